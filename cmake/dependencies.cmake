# Python, pybind11, Eigen and (where there is one) OpenMP.

find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.Module)

# scikit-build-core says where pybind11 is. Started by hand, CMake looks among the interpreter's packages too.
if(NOT SKBUILD)
  list(APPEND CMAKE_PREFIX_PATH ${Python_SITELIB}/pybind11)
endif()
set(PYBIND11_FINDPYTHON ON)
find_package(pybind11 3 CONFIG REQUIRED)

# The PyPI package cmeel-eigen puts Eigen into cmeel.prefix and tells nobody. Later entries first: under build isolation
# the outer environment is listed before the isolated one and may hold a stale copy. A user's Eigen3_ROOT wins over both.
if(NOT Eigen3_ROOT AND NOT DEFINED ENV{Eigen3_ROOT} AND NOT Eigen3_DIR)
  set(entries ${Python_SITELIB} ${CMAKE_PREFIX_PATH})
  list(REVERSE entries)
  foreach(entry IN LISTS entries)
    if(EXISTS ${entry}/cmeel.prefix/share/eigen3/cmake/Eigen3Config.cmake)
      set(Eigen3_ROOT ${entry}/cmeel.prefix)
      break()
    endif()
  endforeach()
endif()
find_package(Eigen3 3.4 CONFIG)
if(NOT Eigen3_FOUND)
  message(FATAL_ERROR "Eigen 3.4 was not found: pip install cmeel-eigen, or set Eigen3_ROOT to an Eigen of your own")
endif()
# An imported target: its headers are system headers, whose warnings are not ours.
get_target_property(eigen_include Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
message(STATUS "Eigen ${Eigen3_VERSION}: ${eigen_include}")

find_package(OpenMP COMPONENTS CXX)
if(OpenMP_CXX_FOUND)
  list(GET OpenMP_CXX_LIB_NAMES 0 openmp_runtime)
else()
  set(openmp_runtime none)
  message(STATUS "OpenMP: none; the kernels will use one thread")
endif()
