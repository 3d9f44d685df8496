// The x86-64 instruction-set level of the CPU. Shared by the module that is asked at import and by the build's probe.
#pragma once

namespace minimand {

// "v1".."v4" on x86-64; "base" elsewhere, and with compilers that do not know the levels.
inline const char* cpu_level() {
#if defined(__x86_64__) && !defined(__APPLE__) && \
    ((defined(__clang__) && __clang_major__ >= 18) || (!defined(__clang__) && __GNUC__ >= 11))
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return "v4";
    if (__builtin_cpu_supports("x86-64-v3")) return "v3";
    if (__builtin_cpu_supports("x86-64-v2")) return "v2";
    return "v1";
#else
    return "base";
#endif
}

}  // namespace minimand
