# Builds started by hand (`cmake --workflow --preset debug`): the target `package` lays out an importable package in the
# build folder, and ctest runs the test suite on it.

set(package_dir ${CMAKE_CURRENT_BINARY_DIR}/package)
install(DIRECTORY python/minimand DESTINATION . PATTERN __pycache__ EXCLUDE)
add_custom_target(
  package
  COMMAND ${CMAKE_COMMAND} --install ${CMAKE_CURRENT_BINARY_DIR} --prefix ${package_dir}
  VERBATIM
)
foreach(level IN LISTS levels)
  add_dependencies(package _${level})
endforeach()
add_dependencies(package _cpu)

set(environment PYTHONPATH=${package_dir} PYTHONDONTWRITEBYTECODE=1)
if(MINIMAND_SANITIZE)
  # The interpreter is not instrumented, so the runtimes must be there before it; it also leaks by design.
  foreach(runtime asan ubsan stdc++)
    execute_process(
      COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=lib${runtime}.so
      OUTPUT_VARIABLE path
      OUTPUT_STRIP_TRAILING_WHITESPACE
    )
    list(APPEND preload ${path})
  endforeach()
  string(JOIN " " preload ${preload})
  list(APPEND environment "LD_PRELOAD=${preload}" ASAN_OPTIONS=detect_leaks=0)
endif()

enable_testing()
add_test(
  NAME pytest
  COMMAND ${Python_EXECUTABLE} -m pytest -p no:cacheprovider
  WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
)
set_tests_properties(pytest PROPERTIES ENVIRONMENT "${environment}")
