#include <bit>

#include "relufast/activity.hpp"
#include "relufast/multiversion.hpp"

#if RELUFAST_IS_MULTIVERSION
#include <immintrin.h>
#endif

namespace relufast {
namespace {

RELUFAST_WITHOUT_AVX512
std::int64_t gather_active(const double* z, const std::uint64_t* active, std::int64_t n_neurons,
                           std::int32_t* senders, double* sent) {
    std::int64_t n_sent = 0;
    for (std::size_t w = 0; w < activity_words(n_neurons); ++w) {
        for_each_neuron(active[w], static_cast<std::int64_t>(w) * kNeuronsPerWord,
                        [&](std::int32_t neuron) {
                            senders[n_sent] = neuron;
                            sent[n_sent++] = z[neuron];
                        });
    }
    return n_sent;
}

#if RELUFAST_IS_MULTIVERSION
// Eight neurons at a time: how many of them are active is not known before, and a loop over these
// is often left too late or too early.
RELUFAST_WITH_AVX512
std::int64_t gather_active(const double* z, const std::uint64_t* active, std::int64_t n_neurons,
                           std::int32_t* senders, double* sent) {
    const __m256i first_eight = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    std::int64_t n_sent = 0;
    for (std::int64_t i = 0; i < n_neurons; i += 8) {
        const auto among =
            static_cast<__mmask8>(active[i / kNeuronsPerWord] >> (i % kNeuronsPerWord));
        const int count = std::popcount(among);
        const auto first = static_cast<__mmask8>((1U << count) - 1U);
        const __m256i numbers =
            _mm256_add_epi32(first_eight, _mm256_set1_epi32(static_cast<std::int32_t>(i)));
        _mm256_mask_storeu_epi32(senders + n_sent, first,
                                 _mm256_maskz_compress_epi32(among, numbers));
        _mm512_mask_storeu_pd(sent + n_sent, first,
                              _mm512_maskz_compress_pd(among, _mm512_maskz_loadu_pd(among, z + i)));
        n_sent += count;
    }
    return n_sent;
}
#endif

}  // namespace

std::int64_t gather_senders(const double* z, const std::uint64_t* active, std::int64_t n_neurons,
                            double negative_slope, std::int32_t* senders, double* sent) {
    if (negative_slope == 0.0) {
        return gather_active(z, active, n_neurons, senders, sent);
    }
    for (std::int64_t i = 0; i < n_neurons; ++i) {
        senders[i] = static_cast<std::int32_t>(i);
        sent[i] = z[i] > 0.0 ? z[i] : negative_slope * z[i];
    }
    return n_neurons;
}

}  // namespace relufast
