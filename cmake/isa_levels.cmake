# Turns MINIMAND_ISA_LEVELS into `levels`, the list of modules to build.

set(levels ${MINIMAND_ISA_LEVELS})
string(REGEX REPLACE "[, ]+" ";" levels "${levels}")

# What this CPU supports, asked by the code that asks it again when the package is imported. "base" where there are no
# levels: another architecture, or a compiler that does not know them.
set(cpu_level base)
if(NOT CMAKE_CROSSCOMPILING)
  try_run(
    probe_exit probe_compiled
    SOURCE_FROM_CONTENT cpu_level.cpp "#include <cstdio>
#include \"cpu_level.hpp\"
int main() { std::fputs(minimand::cpu_level(), stdout); }"
    CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${CMAKE_CURRENT_SOURCE_DIR}/cpp
    COMPILE_OUTPUT_VARIABLE probe_log
    RUN_OUTPUT_STDOUT_VARIABLE cpu_level
    NO_CACHE
  )
  if(NOT probe_compiled)
    message(FATAL_ERROR "The compiler cannot build a small program:\n${probe_log}")
  endif()
endif()

if("${levels}" STREQUAL "" OR "${levels}" STREQUAL host)
  if(cpu_level STREQUAL v1)
    set(levels base)
  else()
    set(levels ${cpu_level})
  endif()
endif()

foreach(level IN LISTS levels)
  if(NOT level MATCHES "^(base|v2|v3|v4)$")
    message(FATAL_ERROR "MINIMAND_ISA_LEVELS=${MINIMAND_ISA_LEVELS}: expected host, base, or some of v2;v3;v4")
  endif()
  if(NOT level STREQUAL base AND cpu_level STREQUAL base AND NOT CMAKE_CROSSCOMPILING)
    message(FATAL_ERROR "MINIMAND_ISA_LEVELS=${MINIMAND_ISA_LEVELS}: levels need x86-64 and GCC 11 or Clang 18; "
                        "use MINIMAND_ISA_LEVELS=base here")
  endif()
endforeach()
list(REMOVE_DUPLICATES levels)
message(STATUS "Instruction-set levels: ${levels} (this CPU: ${cpu_level})")
