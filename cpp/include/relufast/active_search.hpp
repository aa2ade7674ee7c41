// Inputs at which few rows of A x + b are positive, by simulated annealing and exact line searches.
//
// What comes out is a float64 point whose count is for the caller to prove: the search rounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "relufast/threads.hpp"
#include "relufast/trial_random.hpp"

namespace relufast {

// Rows of norm 1 or so, as columns of float32.
class SearchedLayer {
 public:
    // `bias` may be empty: then points are directions.
    SearchedLayer(const double* matrix, std::int64_t n_rows, std::int64_t n_inputs,
                  std::span<const double> bias);

    std::size_t n_rows() const { return n_rows_; }
    std::size_t n_inputs() const { return n_inputs_; }
    std::size_t stride() const { return stride_; }
    bool has_bias() const { return !bias_.empty(); }
    // Entries past the last row are zero.
    const float* column(std::size_t k) const { return columns_.data() + k * stride_; }

    // A x + b, and -1 past the last row.
    void preactivations(const double* x, std::vector<float>& z) const;
    // A^T w.
    void pull_back(const std::vector<double>& w, std::vector<double>& sum) const;

 private:
    std::size_t n_rows_;
    std::size_t n_inputs_;
    std::size_t stride_;
    std::vector<float> columns_;  // rounded
    std::vector<double> exact_columns_;
    std::vector<double> matrix_;  // row-major
    std::vector<double> bias_;
};

// From one random start.
class ActiveSearch {
 public:
    // Where annealing begins: hot at a random point, which is best in a few dimensions, or cold
    // where a smooth count, less and less so, has its minimum, which is best in many.
    enum class Start { kHot, kSmooth };

    // `words` are TrialRandom::kStateWords random ones.
    ActiveSearch(const SearchedLayer& layer, const std::uint64_t* words, std::int64_t n_steps,
                 Start start);

    // So many steps more, the last of which is followed by the line searches.
    void run(std::int64_t n_steps);

    std::int64_t n_active() const { return best_; }
    const std::vector<double>& point() const { return best_point_; }

 private:
    void refresh();
    void normalise();
    void minimise_smooth_count();
    void step(float moved, double temperature);
    void keep_if_best();
    void descend();
    bool search_line(std::size_t k);

    const SearchedLayer& layer_;
    TrialRandom random_;
    std::int64_t n_steps_;
    Start start_;
    std::int64_t done_ = 0;
    std::vector<double> x_;
    std::vector<float> z_;
    std::int64_t active_ = 0;
    std::int64_t best_ = 0;
    std::vector<double> best_point_;
};

struct FewActive {
    std::vector<std::int64_t> n_active;  // of each start
    std::vector<double> points;          // one after the other
};

// `words` of all starts, one after the other. The same bits for any number of threads.
// on_progress(steps), of all starts, now and then. Throws Interrupted.
FewActive search_few_active(const SearchedLayer& layer, std::span<const std::uint64_t> words,
                            std::int64_t n_steps, int n_threads,
                            const std::function<void(std::int64_t)>& on_progress,
                            const Interrupt& interrupt);

}  // namespace relufast
