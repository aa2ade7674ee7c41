#include "relufast/exact_minors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>

namespace relufast {

namespace {

// At least: primes are larger than 2^23 - 2^21.
constexpr double kBitsOfPrime = 22.58;

// The exponent of the lowest bit that is set.
int lowest_exponent(double x) {
    int exponent = 0;
    const double fraction = std::frexp(std::fabs(x), &exponent);
    const auto integer = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
    return exponent - 53 + std::countr_zero(integer);
}

double power_of_two(int exponent, const modular::Modulus& modulus) {
    const double p = modulus.value();
    double base = exponent >= 0 ? 2.0 : (1.0 - p) / 2.0;  // the inverse of 2
    double result = 1.0;
    for (int e = std::abs(exponent); e > 0; e /= 2) {
        result = e % 2 == 1 ? modular::reduced(result * base, p, modulus.reciprocal()) : result;
        base = modular::reduced(base * base, p, modulus.reciprocal());
    }
    return result;
}

// The determinant of the row-major k x k matrix of residues, which is overwritten.
double determinant(double* a, std::size_t k, const modular::Modulus& modulus) {
    const double p = modulus.value();
    const double reciprocal = modulus.reciprocal();
    double product = 1.0;
    for (std::size_t column = 0; column < k; ++column) {
        std::size_t pivot = column;
        while (pivot < k && a[pivot * k + column] == 0.0) {
            ++pivot;
        }
        if (pivot == k) {
            return 0.0;
        }
        if (pivot != column) {
            std::swap_ranges(a + pivot * k, a + (pivot + 1) * k, a + column * k);
            product = -product;
        }
        const double* const top = a + column * k;
        product = modular::reduced(product * top[column], p, reciprocal);
        const double inverse = modulus.inverse(top[column]);
        for (std::size_t row = column + 1; row < k; ++row) {
            double* const below = a + row * k;
            const double factor = modular::reduced(below[column] * inverse, p, reciprocal);
            for (std::size_t j = column + 1; j < k; ++j) {
                below[j] = modular::reduced(below[j] - factor * top[j], p, reciprocal);
            }
        }
    }
    return product;
}

}  // namespace

ExactMinors::ExactMinors(const double* matrix, std::int64_t n_rows, std::int64_t n_columns)
    : n_columns_(static_cast<std::size_t>(n_columns)),
      matrix_(matrix, matrix + n_rows * n_columns) {
    for (std::int64_t i = 0; i < n_rows; ++i) {
        const double* const row = matrix + i * n_columns;
        int lowest = std::numeric_limits<int>::max();
        int highest = std::numeric_limits<int>::min();
        for (std::int64_t c = 0; c < n_columns; ++c) {
            if (!std::isfinite(row[c])) {
                throw std::invalid_argument("NaN and infinity have no minors");
            }
            if (row[c] != 0.0) {
                lowest = std::min(lowest, lowest_exponent(row[c]));
                highest = std::max(highest, std::ilogb(row[c]) + 1);
            }
        }
        if (lowest > highest) {  // a row of zeros
            exponents_.push_back(0);
            bits_.push_back(0.0);
            continue;
        }
        double size = 0.0;
        for (std::int64_t c = 0; c < n_columns; ++c) {
            size += std::ldexp(std::fabs(row[c]), -highest);
        }
        exponents_.push_back(lowest);
        bits_.push_back(std::log2(size) + 1e-9 + (highest - lowest));
    }
}

std::size_t ExactMinors::n_primes(double bits_of_minor) const {
    return static_cast<std::size_t>(std::ceil((bits_of_minor + 1.0) / kBitsOfPrime));
}

const ExactMinors::Residues& ExactMinors::residues(std::size_t prime) {
    while (residues_.size() <= prime) {
        const std::size_t k = residues_.size();
        if (primes_.size() <= k) {
            primes_ = modular::primes(std::max<std::size_t>(16, 2 * k));
        }
        auto next = std::make_unique<Residues>(modular::Modulus(primes_[k]));
        const modular::Modulus& modulus = next->modulus;
        next->rows.resize(matrix_.size());
        modular::residues(matrix_.data(), matrix_.size(), modulus, next->rows.data());
        for (std::size_t i = 0; i < exponents_.size(); ++i) {
            const double factor = power_of_two(-exponents_[i], modulus);
            for (std::size_t c = 0; c < n_columns_; ++c) {
                double& residue = next->rows[i * n_columns_ + c];
                residue = modular::reduced(residue * factor, modulus.value(), modulus.reciprocal());
            }
        }
        for (std::size_t before = 0; before < k; ++before) {
            next->inverses_before.push_back(modulus.inverse(modular::reduced(
                static_cast<double>(primes_[before]), modulus.value(), modulus.reciprocal())));
        }
        residues_.push_back(std::move(next));
    }
    return *residues_[prime];
}

int ExactMinors::sign(std::span<const int> rows, std::span<const int> columns) {
    const std::size_t k = rows.size();
    double bits_of_minor = 0.0;
    for (const int row : rows) {
        bits_of_minor += bits(row);
    }
    const std::size_t needed = n_primes(bits_of_minor);
    work_.resize(k * k);
    digits_.resize(needed);
    bool is_zero = true;  // so far
    for (std::size_t prime = 0; prime < needed; ++prime) {
        const Residues& of_prime = residues(prime);
        const modular::Modulus& modulus = of_prime.modulus;
        for (std::size_t i = 0; i < k; ++i) {
            const double* const row =
                of_prime.rows.data() + static_cast<std::size_t>(rows[i]) * n_columns_;
            for (std::size_t j = 0; j < k; ++j) {
                work_[i * k + j] = row[columns[j]];
            }
        }
        // Garner's algorithm: what is left of the minor after the digits before, divided by their
        // primes.
        double digit = determinant(work_.data(), k, modulus);
        is_zero = is_zero && digit == 0.0;
        for (std::size_t before = 0; before < prime && !is_zero; ++before) {
            digit = modular::reduced(
                modular::reduced(digit - digits_[before], modulus.value(), modulus.reciprocal()) *
                    of_prime.inverses_before[before],
                modulus.value(), modulus.reciprocal());
        }
        digits_[prime] = modular::reduced(digit, modulus.value(), modulus.reciprocal());
    }
    for (std::size_t prime = needed; prime-- > 0;) {
        if (digits_[prime] != 0.0) {
            return digits_[prime] > 0.0 ? 1 : -1;
        }
    }
    return 0;
}

std::vector<int> ExactMinors::basis(std::span<const int> rows, int n_columns) {
    std::vector<int> largest;
    double bits_of_minor = 0.0;  // of the largest minors that there are
    std::vector<double> all_bits;
    for (const int row : rows) {
        all_bits.push_back(bits(row));
    }
    std::sort(all_bits.rbegin(), all_bits.rend());
    const std::size_t full = std::min(rows.size(), static_cast<std::size_t>(n_columns));
    for (std::size_t i = 0; i < full; ++i) {
        bits_of_minor += all_bits[i];
    }
    // Independent modulo one prime is independent; dependent modulo all of them is dependent.
    const std::size_t needed = n_primes(bits_of_minor);
    for (std::size_t prime = 0; prime < needed && largest.size() < full; ++prime) {
        std::vector<int> found = basis_modulo(residues(prime), rows, n_columns);
        if (found.size() > largest.size()) {
            largest = std::move(found);
        }
    }
    return largest;
}

std::vector<int> ExactMinors::basis_modulo(const Residues& residues, std::span<const int> rows,
                                           int n_columns) const {
    const double p = residues.modulus.value();
    const double reciprocal = residues.modulus.reciprocal();
    const auto n = static_cast<std::size_t>(n_columns);
    std::vector<int> found;
    std::vector<std::size_t> places;  // of the pivots
    std::vector<double> echelon;      // rows with 1 there
    std::vector<double> row(n);
    for (const int i : rows) {
        std::copy_n(residues.rows.data() + static_cast<std::size_t>(i) * n_columns_, n, row.data());
        for (std::size_t k = 0; k < found.size(); ++k) {
            const double factor = row[places[k]];
            for (std::size_t j = 0; j < n; ++j) {
                row[j] = modular::reduced(row[j] - factor * echelon[k * n + j], p, reciprocal);
            }
        }
        const auto pivot = std::find_if(row.begin(), row.end(), [](double x) { return x != 0.0; });
        if (pivot == row.end()) {
            continue;
        }
        const double inverse = residues.modulus.inverse(*pivot);
        places.push_back(static_cast<std::size_t>(pivot - row.begin()));
        for (const double x : row) {
            echelon.push_back(modular::reduced(x * inverse, p, reciprocal));
        }
        found.push_back(i);
        if (found.size() == n) {
            break;
        }
    }
    return found;
}

}  // namespace relufast
