#include "exact.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "integer.hpp"
#include "relufast/rounding.hpp"

namespace relufast::fuzz {
namespace {

// numerator / denominator, the latter positive, or 0 for an infinity.
struct Fraction {
    Integer numerator = 0;
    Integer denominator = 1;

    bool is_infinite() const { return denominator.sign() == 0; }
    bool operator<(const Fraction& other) const {
        if (is_infinite() || other.is_infinite()) {
            return (is_infinite() ? numerator.sign() : 0) <
                   (other.is_infinite() ? other.numerator.sign() : 0);
        }
        return numerator * other.denominator < other.numerator * denominator;
    }
    bool operator==(const Fraction& other) const { return !(*this < other) && !(other < *this); }
    double value() const {
        return is_infinite() ? numerator.sign() * kInfinity
                             : static_cast<double>(numerator.value() / denominator.value());
    }
};

// slope x + intercept.
struct Form {
    Integer slope = 0;
    Integer intercept = 0;

    int sign_at(const Fraction& x) const {
        if (x.is_infinite()) {
            const int far = slope.sign() * x.numerator.sign();
            return far != 0 ? far : intercept.sign();
        }
        return (slope * x.numerator + intercept * x.denominator).sign();
    }
    // Between two points between which it has no root.
    bool is_positive_between(const Fraction& lo, const Fraction& hi) const {
        const int at_lo = sign_at(lo);
        return (at_lo != 0 ? at_lo : sign_at(hi)) > 0;
    }
};

// The unit of which numbers are multiples: 1, or as large a power of two as they all allow, if that
// is no smaller than 2^-finest.
class Unit {
 public:
    explicit Unit(int finest) : finest_(finest) {}

    void take(double value) {
        while (shift_ < finest_ && !is_integer(std::ldexp(value, shift_))) {
            ++shift_;
        }
        largest_ = std::max(largest_, std::fabs(value));
        holds_ = holds_ && is_integer(std::ldexp(value, shift_)) &&
                 std::ldexp(largest_, shift_) < 0x1p62;
    }
    bool holds() const { return holds_; }
    Integer of(double value) const { return static_cast<std::int64_t>(std::ldexp(value, shift_)); }
    Integer one() const { return std::int64_t{1} << shift_; }

 private:
    static bool is_integer(double value) { return value == std::trunc(value); }

    int finest_;
    int shift_ = 0;
    double largest_ = 0.0;
    bool holds_ = true;
};

struct Site {
    Fraction x;
    std::vector<Crossing> crossings;
    bool reaches = false;
};

class Solver {
 public:
    explicit Solver(const Problem& problem) : problem_(problem) {
        for (std::size_t l = 0; l < problem.n_layers(); ++l) {
            for (const double w : problem.weights[l]) {
                unit_.take(w);
            }
            for (const double b : problem.biases[l]) {
                unit_.take(b);
            }
        }
        slope_unit_.take(problem.negative_slope);
        for (const double end : {problem.lo, problem.hi}) {
            if (std::isfinite(end)) {
                end_unit_.take(end);
            }
        }
        for (std::size_t j = 0; j < problem.start.size(); ++j) {
            point_unit_.take(problem.start[j]);
            point_unit_.take(problem.stop[j]);
        }
    }

    bool is_able() const {
        return unit_.holds() && slope_unit_.holds() && end_unit_.holds() && point_unit_.holds();
    }

    std::vector<Site> solve() {
        knots_ = {{end(problem_.lo), {}, false}, {end(problem_.hi), {}, false}};
        // By segment, the forms of a layer: those of the input first.
        forms_.assign(1, {});
        for (std::size_t j = 0; j < static_cast<std::size_t>(problem_.widths[0]); ++j) {
            if (problem_.start.empty()) {
                forms_[0].push_back({1, 0});
            } else {
                const Integer from = point_unit_.of(problem_.start[j]);
                forms_[0].push_back({point_unit_.of(problem_.stop[j]) - from, from});
            }
        }
        scale_ = point_unit_.one();
        for (std::size_t l = 0; l < problem_.depth(); ++l) {
            apply_layer(l);
            add_roots();
            cross(l);
        }
        apply_layer(problem_.depth());
        for (std::size_t k = 1; k + 1 < knots_.size(); ++k) {
            for (std::size_t i = 0; i < forms_[k].size(); ++i) {
                knots_[k].reaches =
                    knots_[k].reaches || !(forms_[k - 1][i].slope == forms_[k][i].slope);
            }
        }
        return std::move(knots_);
    }

 private:
    Fraction end(double x) const {
        return std::isinf(x) ? Fraction{x > 0.0 ? 1 : -1, 0}
                             : Fraction{end_unit_.of(x), end_unit_.one()};
    }

    void apply_layer(std::size_t l) {
        const Integer scale = scale_;
        for (std::vector<Form>& segment : forms_) {
            std::vector<Form> next;
            for (std::size_t i = 0; i < problem_.biases[l].size(); ++i) {
                Form sum{0, unit_.of(problem_.biases[l][i]) * scale};
                for (std::size_t j = 0; j < segment.size(); ++j) {
                    const Integer weight = unit_.of(problem_.weight(l, i, j));
                    sum.slope = sum.slope + weight * segment[j].slope;
                    sum.intercept = sum.intercept + weight * segment[j].intercept;
                }
                next.push_back(sum);
            }
            segment = std::move(next);
        }
        scale_ = scale * unit_.one();
    }

    void add_roots() {
        std::vector<Site> knots;
        std::vector<std::vector<Form>> forms;
        for (std::size_t k = 0; k + 1 < knots_.size(); ++k) {
            std::vector<Fraction> roots;
            for (const Form& form : forms_[k]) {
                if (form.slope.sign() == 0) {
                    continue;
                }
                const Fraction root = form.slope.sign() > 0 ? Fraction{-form.intercept, form.slope}
                                                            : Fraction{form.intercept, -form.slope};
                if (knots_[k].x < root && root < knots_[k + 1].x) {
                    roots.push_back(root);
                }
            }
            std::sort(roots.begin(), roots.end());
            roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
            knots.push_back(std::move(knots_[k]));
            forms.push_back(forms_[k]);
            for (const Fraction& root : roots) {
                knots.push_back({root, {}, false});
                forms.push_back(forms_[k]);
            }
        }
        knots.push_back(std::move(knots_.back()));
        knots_ = std::move(knots);
        forms_ = std::move(forms);
    }

    // Notes the crossings of hidden layer l, counted from 0, and applies its activation.
    void cross(std::size_t l) {
        const Integer leak = slope_unit_.of(problem_.negative_slope);
        for (std::size_t i = 0; i < problem_.biases[l].size(); ++i) {
            bool was_active = false;
            for (std::size_t k = 0; k + 1 < knots_.size(); ++k) {
                Form& form = forms_[k][i];
                const bool active = form.is_positive_between(knots_[k].x, knots_[k + 1].x);
                if (k > 0 && active != was_active) {
                    knots_[k].crossings.push_back(
                        {static_cast<std::int32_t>(l + 1), static_cast<std::int32_t>(i)});
                }
                was_active = active;
                const Integer factor = active ? slope_unit_.one() : leak;
                form = {form.slope * factor, form.intercept * factor};
            }
        }
        scale_ = scale_ * slope_unit_.one();
    }

    const Problem& problem_;
    Unit unit_{60};
    Unit slope_unit_{60};
    Unit end_unit_{60};
    Unit point_unit_{60};
    Integer scale_ = 1;  // forms are this many times their true size
    std::vector<Site> knots_;
    std::vector<std::vector<Form>> forms_;
};

}  // namespace

std::optional<Breakpoints> exact_breakpoints(const Problem& problem) {
    Solver solver(problem);
    if (!solver.is_able()) {
        return std::nullopt;
    }
    try {
        Breakpoints found;
        const std::vector<Site> sites = solver.solve();
        for (std::size_t k = 0; k < sites.size(); ++k) {
            const Site& site = sites[k];
            const bool is_end = k == 0 || k + 1 == sites.size();
            if (site.crossings.empty() && !is_end) {
                continue;
            }
            const double x = site.x.value();
            found.x.push_back(x);
            found.x_error.push_back(is_end ? 0.0 : std::fabs(x) * 0x1p-51);
            found.reaches_output.push_back(site.reaches ? 1 : 0);
            found.first_crossing.push_back(static_cast<std::int32_t>(found.layers.size()));
            for (const Crossing& crossing : site.crossings) {
                found.layers.push_back(crossing.layer);
                found.neurons.push_back(crossing.neuron);
            }
        }
        found.first_crossing.push_back(static_cast<std::int32_t>(found.layers.size()));
        found.open_after.assign(found.x.size() - 1, 0);
        return found;
    } catch (const TooLarge&) {
        return std::nullopt;
    }
}

}  // namespace relufast::fuzz
