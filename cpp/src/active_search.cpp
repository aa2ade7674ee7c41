#include "relufast/active_search.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "portable_math.hpp"
#include "relufast/multiversion.hpp"

namespace relufast {

namespace {

constexpr std::size_t kLanes = 32;  // counts side by side, so that none waits for the one before
// Temperatures, in rows, and steps, in units of the point's own size, at the start and the end.
struct Schedule {
    double hottest;
    double coldest;
    double longest;
    double shortest;
};
constexpr Schedule kHotSchedule{1.0, 0.15, 0.5, 0.05};
constexpr Schedule kColdSchedule{0.3, 0.1, 0.1, 0.02};
// A smooth count is sum_i 1/2 + atan(z_i / width) / pi.
constexpr double kWidest = 1.0;
constexpr double kNarrowest = 0.02;
constexpr int kSmoothSteps = 500;
constexpr double kSmoothLength = 0.03;  // of a step, in units of the width
constexpr double kMomentum = 0.9;
// Steps after which z is made afresh, so that its rounding errors do not add up.
constexpr std::int64_t kRefreshEvery = 2048;
constexpr std::size_t kNormalsAtOnce = 256;
constexpr std::int64_t kWordsAtOnce = 256;

// n is a multiple of kLanes.
RELUFAST_MULTIVERSION
std::int64_t count_positive(const float* __restrict z, const float* __restrict column, float change,
                            std::size_t n) {
    std::array<float, kLanes> counts{};
    for (std::size_t i = 0; i < n; i += kLanes) {
#pragma omp simd
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            counts[lane] += z[i + lane] + change * column[i + lane] > 0.0F ? 1.0F : 0.0F;
        }
    }
    float sum = 0.0F;
#pragma omp simd reduction(+ : sum)
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        sum += counts[lane];
    }
    return static_cast<std::int64_t>(sum);
}

RELUFAST_MULTIVERSION
void add_multiple(float factor, const float* __restrict x, std::size_t n, float* __restrict sum) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        sum[i] += factor * x[i];
    }
}

RELUFAST_MULTIVERSION
void add_multiple(double factor, const double* __restrict x, std::size_t n,
                  double* __restrict sum) {
#pragma omp simd
    for (std::size_t i = 0; i < n; ++i) {
        sum[i] += factor * x[i];
    }
}

// Geometric, from `first` to `last` as progress goes from 0 to 1.
double between(double first, double last, double progress) {
    return first * portable::exp_nonpositive(-progress * portable::log_positive(first / last));
}

double norm(const std::vector<double>& x) {
    double square = 0.0;
    for (const double t : x) {
        square += t * t;
    }
    return std::sqrt(square);
}

double uniform(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

}  // namespace

SearchedLayer::SearchedLayer(const double* matrix, std::int64_t n_rows, std::int64_t n_inputs,
                             std::span<const double> bias)
    : n_rows_(static_cast<std::size_t>(n_rows)),
      n_inputs_(static_cast<std::size_t>(n_inputs)),
      stride_((n_rows_ + kLanes - 1) / kLanes * kLanes),
      columns_(stride_ * n_inputs_, 0.0F),
      exact_columns_(stride_ * n_inputs_, 0.0),
      matrix_(matrix, matrix + n_rows * n_inputs),
      bias_(bias.begin(), bias.end()) {
    if (n_rows < 1 || n_inputs < 1 || n_rows >= (std::int64_t{1} << 24) ||
        (!bias.empty() && bias.size() != n_rows_)) {
        throw std::invalid_argument("sizes of a layer do not fit together");
    }
    for (std::size_t i = 0; i < n_rows_; ++i) {
        for (std::size_t k = 0; k < n_inputs_; ++k) {
            const double entry = matrix_[i * n_inputs_ + k];
            columns_[k * stride_ + i] = static_cast<float>(entry);
            exact_columns_[k * stride_ + i] = entry;
        }
    }
}

void SearchedLayer::preactivations(const double* x, std::vector<float>& z) const {
    std::vector<double> sums(stride_, 0.0);
    std::copy(bias_.begin(), bias_.end(), sums.begin());
    for (std::size_t k = 0; k < n_inputs_; ++k) {
        add_multiple(x[k], exact_columns_.data() + k * stride_, n_rows_, sums.data());
    }
    z.assign(stride_, -1.0F);
    for (std::size_t i = 0; i < n_rows_; ++i) {
        z[i] = static_cast<float>(sums[i]);
    }
}

void SearchedLayer::pull_back(const std::vector<double>& w, std::vector<double>& sum) const {
    sum.assign(n_inputs_, 0.0);
    for (std::size_t i = 0; i < n_rows_; ++i) {
        add_multiple(w[i], matrix_.data() + i * n_inputs_, n_inputs_, sum.data());
    }
}

ActiveSearch::ActiveSearch(const SearchedLayer& layer, const std::uint64_t* words,
                           std::int64_t n_steps, Start start)
    : layer_(layer), random_(words), n_steps_(n_steps), start_(start), x_(layer.n_inputs()) {
    random_.normals(x_.data(), static_cast<std::int64_t>(x_.size()));
    refresh();
    best_ = active_;
    best_point_ = x_;
}

void ActiveSearch::normalise() {
    if (layer_.has_bias()) {
        return;
    }
    const double scale = std::sqrt(static_cast<double>(x_.size())) / norm(x_);
    for (double& t : x_) {
        t *= scale;
    }
}

void ActiveSearch::refresh() {
    normalise();
    layer_.preactivations(x_.data(), z_);
    active_ = count_positive(z_.data(), layer_.column(0), 0.0F, layer_.stride());
}

// Gradient descent with momentum.
void ActiveSearch::minimise_smooth_count() {
    std::vector<double> slopes(layer_.n_rows());
    std::vector<double> gradient;
    std::vector<double> velocity(x_.size(), 0.0);
    for (int i = 0; i < kSmoothSteps; ++i) {
        const double width = between(kWidest, kNarrowest, static_cast<double>(i) / kSmoothSteps);
        for (std::size_t row = 0; row < slopes.size(); ++row) {
            const double ratio = static_cast<double>(z_[row]) / width;
            slopes[row] = 1.0 / (1.0 + ratio * ratio);
        }
        layer_.pull_back(slopes, gradient);
        if (!layer_.has_bias()) {  // along the sphere
            double along = 0.0;
            for (std::size_t k = 0; k < x_.size(); ++k) {
                along += gradient[k] * x_[k] / static_cast<double>(x_.size());
            }
            for (std::size_t k = 0; k < x_.size(); ++k) {
                gradient[k] -= along * x_[k];
            }
        }
        const double size = norm(gradient);
        if (size == 0.0) {
            break;
        }
        const double length = kSmoothLength * width * std::sqrt(static_cast<double>(x_.size()));
        for (std::size_t k = 0; k < x_.size(); ++k) {
            velocity[k] = kMomentum * velocity[k] + gradient[k] / size;
            x_[k] -= length * velocity[k];
        }
        refresh();
        keep_if_best();
    }
    x_ = best_point_;
}

void ActiveSearch::run(std::int64_t n_steps) {
    if (done_ == 0 && start_ == Start::kSmooth) {
        minimise_smooth_count();
    }
    const Schedule& schedule = start_ == Start::kHot ? kHotSchedule : kColdSchedule;
    const double size = std::sqrt(static_cast<double>(layer_.n_inputs()));
    std::array<double, kNormalsAtOnce> changes{};
    double temperature = schedule.hottest;
    for (std::int64_t i = 0; i < n_steps; ++i, ++done_) {
        const auto place = static_cast<std::size_t>(i) % kNormalsAtOnce;
        if (place == 0) {
            const double progress = static_cast<double>(done_) / static_cast<double>(n_steps_);
            temperature = between(schedule.hottest, schedule.coldest, progress);
            const double length = size * between(schedule.longest, schedule.shortest, progress);
            random_.normals(changes.data(), static_cast<std::int64_t>(kNormalsAtOnce));
            for (double& change : changes) {
                change *= length;
            }
        }
        if (done_ % kRefreshEvery == 0) {
            refresh();
        }
        step(static_cast<float>(changes[place]), temperature);
    }
    if (done_ == n_steps_) {
        descend();
    }
}

// One coordinate moves; a step up is taken with the probability of Metropolis.
void ActiveSearch::step(float moved, double temperature) {
    __extension__ using Wide = unsigned __int128;
    const auto k =
        static_cast<std::size_t>(Wide{random_.next(kWordsAtOnce)} * layer_.n_inputs() >> 64);
    const auto after = count_positive(z_.data(), layer_.column(k), moved, layer_.stride());
    if (after > active_) {
        const double ratio = static_cast<double>(after - active_) / temperature;
        if (ratio > 40.0 ||
            uniform(random_.next(kWordsAtOnce)) >= portable::exp_nonpositive(-ratio)) {
            return;
        }
    }
    add_multiple(moved, layer_.column(k), layer_.stride(), z_.data());
    x_[k] += static_cast<double>(moved);
    active_ = after;
    keep_if_best();
}

void ActiveSearch::keep_if_best() {
    if (active_ < best_) {
        best_ = active_;
        best_point_ = x_;
    }
}

// Along each coordinate to the fewest, as long as one of them brings less.
void ActiveSearch::descend() {
    x_ = best_point_;
    refresh();
    std::size_t n_useless = 0;
    for (std::size_t k = 0; n_useless < layer_.n_inputs(); k = (k + 1) % layer_.n_inputs()) {
        n_useless = search_line(k) ? 0 : n_useless + 1;
    }
}

// To the middle of the longest piece of the line on which the fewest rows are positive; whether
// they are fewer than before.
bool ActiveSearch::search_line(std::size_t k) {
    struct Crossing {
        double at;
        int change;
    };
    std::vector<Crossing> crossings;
    std::int64_t count = 0;  // far to the left
    const float* const column = layer_.column(k);
    for (std::size_t i = 0; i < layer_.n_rows(); ++i) {
        if (column[i] == 0.0F) {
            count += z_[i] > 0.0F;
            continue;
        }
        count += column[i] < 0.0F;
        crossings.push_back({-static_cast<double>(z_[i]) / static_cast<double>(column[i]),
                             column[i] > 0.0F ? 1 : -1});
    }
    if (crossings.empty()) {
        return false;
    }
    std::sort(crossings.begin(), crossings.end(), [](const Crossing& a, const Crossing& b) {
        return std::pair(a.at, a.change) < std::pair(b.at, b.change);
    });
    // Pieces without an end are as long as the point is large.
    const double margin = std::sqrt(static_cast<double>(layer_.n_inputs()));
    std::int64_t fewest = count;
    double best_at = crossings.front().at - margin;
    double longest = margin;
    for (std::size_t j = 0; j < crossings.size(); ++j) {
        count += crossings[j].change;
        const double length =
            j + 1 < crossings.size() ? crossings[j + 1].at - crossings[j].at : margin;
        if (length > 0.0 && (count < fewest || (count == fewest && length > longest))) {
            fewest = count;
            longest = length;
            best_at = crossings[j].at + 0.5 * length;
        }
    }
    const std::int64_t before = active_;
    x_[k] += best_at;
    refresh();
    keep_if_best();
    return active_ < before;
}

FewActive search_few_active(const SearchedLayer& layer, std::span<const std::uint64_t> words,
                            std::int64_t n_steps, int n_threads,
                            const std::function<void(std::int64_t)>& on_progress,
                            const Interrupt& interrupt) {
    const std::size_t n_starts = words.size() / TrialRandom::kStateWords;
    std::vector<ActiveSearch> searches;
    searches.reserve(n_starts);
    for (std::size_t start = 0; start < n_starts; ++start) {
        searches.emplace_back(
            layer, words.data() + start * TrialRandom::kStateWords, n_steps,
            start % 2 == 0 ? ActiveSearch::Start::kSmooth : ActiveSearch::Start::kHot);
    }
    // Of a few hundredths of a second, whatever the number of steps, so that bits do not depend on
    // it: normals are drawn in whole groups.
    constexpr auto kGroup = static_cast<std::int64_t>(kNormalsAtOnce);
    const auto rows = static_cast<std::int64_t>(layer.n_rows());
    const std::int64_t piece = kGroup * std::max<std::int64_t>(1, 200'000 / (rows + 500));
    for (std::int64_t done = 0; done < n_steps; done += piece) {
        poll(interrupt);
        const std::int64_t now = std::min(piece, n_steps - done);
        parallel_for(n_threads, n_starts, interrupt,
                     [&](std::size_t start, int) { searches[start].run(now); });
        if (on_progress) {
            on_progress((done + now) * static_cast<std::int64_t>(n_starts));
        }
    }
    FewActive found;
    for (const ActiveSearch& search : searches) {
        found.n_active.push_back(search.n_active());
        found.points.insert(found.points.end(), search.point().begin(), search.point().end());
    }
    return found;
}

}  // namespace relufast
