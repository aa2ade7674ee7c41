// BLAS and LAPACK out of the capsules that SciPy exports for Cython.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "bindings.hpp"
#include "relufast/blas.hpp"
#include "relufast/gathered_product.hpp"

namespace py = pybind11;

namespace {

using Capsules = py::typing::Dict<py::str, py::object>;

// How an argument is written in a signature, one letter each: c char*, i an integer*, r a real*.
constexpr std::string_view kGemm = "cciiirririrri";
constexpr std::string_view kSyrk = "cciirrirri";
constexpr std::string_view kPotrf = "cirii";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

// The size of what the pointer type points to, if that is an integer type.
std::optional<std::size_t> integer_size(std::string_view pointer) {
    if (pointer == "int *") return sizeof(int);
    if (pointer == "long *") return sizeof(long);
    if (pointer == "PY_LONG_LONG *") return sizeof(long long);
    if (pointer == "int64_t *") return sizeof(std::int64_t);
    return std::nullopt;
}

// Cython writes SciPy's own type names d and s with the module's name before them.
bool is_real(std::string_view pointer, char letter) {
    const std::string suffix = std::string("_") + letter + " *";
    return pointer == (letter == 'd' ? "double *" : "float *") || pointer.ends_with(suffix);
}

// The size of the integers in the signature, if it has the expected arguments.
std::optional<std::size_t> checked_integer_size(std::string_view signature,
                                                std::string_view expected, char real_letter) {
    constexpr std::string_view kOpening = "void (";
    if (!signature.starts_with(kOpening) || !signature.ends_with(')')) {
        return std::nullopt;
    }
    std::string_view rest = signature.substr(kOpening.size());
    rest.remove_suffix(1);

    std::optional<std::size_t> size;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const bool is_last = i + 1 == expected.size();
        const auto comma = rest.find(',');
        if ((comma == std::string_view::npos) != is_last) {
            return std::nullopt;
        }
        const std::string_view argument = trimmed(rest.substr(0, comma));
        rest.remove_prefix(is_last ? rest.size() : comma + 1);
        bool as_expected = false;
        if (expected[i] == 'c') {
            as_expected = argument == "char *";
        } else if (expected[i] == 'r') {
            as_expected = is_real(argument, real_letter);
        } else if (const auto this_size = integer_size(argument)) {
            as_expected = size.value_or(*this_size) == *this_size;
            size = this_size;
        }
        if (!as_expected) {
            return std::nullopt;
        }
    }
    return size;
}

struct Routine {
    void* function;
    std::size_t integer_size;
};

Routine routine(const Capsules& capsules, const char* name, std::string_view arguments) {
    if (!capsules.contains(name)) {
        throw py::import_error(std::string("SciPy does not export ") + name);
    }
    const auto capsule = py::reinterpret_borrow<py::object>(capsules[name]);
    if (!PyCapsule_CheckExact(capsule.ptr())) {
        throw py::type_error(std::string("SciPy's ") + name + " is not a capsule");
    }
    // Cython names a capsule after the function's signature.
    const char* capsule_name = PyCapsule_GetName(capsule.ptr());
    const std::string signature = capsule_name == nullptr ? "" : capsule_name;
    const auto size = checked_integer_size(signature, arguments, name[0]);
    if (!size) {
        throw py::import_error(std::string("SciPy's ") + name +
                               " has an unknown signature: " + signature);
    }
    return {PyCapsule_GetPointer(capsule.ptr(), capsule_name), *size};
}

void load_blas(const Capsules& capsules, std::optional<std::uintptr_t> thread_limiter) {
    const Routine dgemm = routine(capsules, "dgemm", kGemm);
    const Routine sgemm = routine(capsules, "sgemm", kGemm);
    const Routine dsyrk = routine(capsules, "dsyrk", kSyrk);
    const Routine ssyrk = routine(capsules, "ssyrk", kSyrk);
    const Routine dpotrf = routine(capsules, "dpotrf", kPotrf);
    const Routine spotrf = routine(capsules, "spotrf", kPotrf);
    for (const Routine& other : {sgemm, dsyrk, ssyrk, dpotrf, spotrf}) {
        if (other.integer_size != dgemm.integer_size) {
            throw py::import_error("SciPy's BLAS and LAPACK mix integers of 32 and 64 bits");
        }
    }
    relufast::blas::set_functions(
        {.dgemm = dgemm.function,
         .sgemm = sgemm.function,
         .dsyrk = dsyrk.function,
         .ssyrk = ssyrk.function,
         .dpotrf = dpotrf.function,
         .spotrf = spotrf.function,
         .ilp64 = dgemm.integer_size == sizeof(std::int64_t),
         .set_num_threads_here = reinterpret_cast<void (*)(int)>(thread_limiter.value_or(0))});
}

}  // namespace

void bind_blas(py::module_& m) {
    m.def("load_blas", &load_blas, py::arg("capsules"), py::arg("thread_limiter"));
    m.def("blas_ready", &relufast::blas::ready);
    m.def("gathered_multiplications", [] {
        const relufast::GatheredMultiplications n = relufast::gathered_multiplications();
        return std::pair(n.doubles, n.floats);
    });
}
