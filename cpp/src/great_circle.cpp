#include "relufast/great_circle.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace relufast {
namespace {

// Rises from 0 to 4 with the angle of (cosine, sine), from 0 to 2 pi.
double angle_key(double cosine, double sine) {
    const double size = std::fabs(cosine) + std::fabs(sine);
    if (sine >= 0.0) {
        return cosine >= 0.0 ? sine / size : 1.0 - cosine / size;
    }
    return cosine < 0.0 ? 2.0 - sine / size : 3.0 + cosine / size;
}

// p cos^2 + 2 r cos sin + s sin^2.
struct Form {
    double p = 0.0;
    double r = 0.0;
    double s = 0.0;

    double operator()(double cosine, double sine) const {
        return p * cosine * cosine + 2.0 * r * cosine * sine + s * sine * sine;
    }

    void add_square(double factor, double along_cosine, double along_sine) {
        p += factor * along_cosine * along_cosine;
        r += factor * along_cosine * along_sine;
        s += factor * along_sine * along_sine;
    }
};

}  // namespace

CircleMaximum GreatCircle::maximise(std::int64_t m, const double* ax, const double* ad,
                                    const double* lx, const double* ld) {
    const auto at_cosine = [&](std::int64_t row) { return row < m ? ax[row] : lx[row - m]; };
    const auto at_sine = [&](std::int64_t row) { return row < m ? ad[row] : ld[row - m]; };

    kinks_.clear();
    is_on_.assign(static_cast<std::size_t>(2 * m), false);
    for (std::int64_t row = 0; row < 2 * m; ++row) {
        const double u = at_cosine(row);
        const double v = at_sine(row);
        const double size = std::hypot(u, v);
        if (size == 0.0) {
            continue;
        }
        // u cos t + v sin t is size times the sine of the angle after (v, -u).
        const double cosine = v / size;
        const double sine = -u / size;
        kinks_.push_back({angle_key(cosine, sine), cosine, sine, row, true});
        kinks_.push_back({angle_key(-cosine, -sine), -cosine, -sine, row, false});
        is_on_[static_cast<std::size_t>(row)] = u > 0.0 || (u == 0.0 && v > 0.0);
    }
    std::sort(kinks_.begin(), kinks_.end(),
              [](const Kink& a, const Kink& b) { return a.key < b.key; });

    Form form;
    const auto add_output = [&](std::int64_t j, double factor) {
        const double a = is_on_[static_cast<std::size_t>(j)] ? 1.0 : 0.0;
        const double l = is_on_[static_cast<std::size_t>(j + m)] ? 1.0 : 0.0;
        form.add_square(factor, a * ax[j] - l * lx[j], a * ad[j] - l * ld[j]);
    };
    for (std::int64_t j = 0; j < m; ++j) {
        add_output(j, 1.0);
    }
    CircleMaximum best{1.0, 0.0, form(1.0, 0.0), -1};
    const auto try_peak = [&](double from, double to) {
        const double half = 0.5 * (form.p - form.s);
        const double radius = std::hypot(half, form.r);
        const double peak = 0.5 * (form.p + form.s) + radius;
        if (!(peak > best.square) || radius == 0.0) {
            return;
        }
        // Half of the angle of (half, r), without loss near pi.
        double cosine = std::sqrt(0.5 * std::max(0.0, 1.0 + half / radius));
        double sine = std::sqrt(0.5 * std::max(0.0, 1.0 - half / radius));
        sine = form.r < 0.0 ? -sine : sine;
        for (int end = 0; end < 2; ++end) {
            const double key = angle_key(cosine, sine);
            if (key >= from && key <= to) {
                best = {cosine, sine, peak, -1};
            }
            cosine = -cosine;
            sine = -sine;
        }
    };
    double key = 0.0;
    for (const Kink& kink : kinks_) {
        try_peak(key, kink.key);
        key = kink.key;
        const double square = form(kink.cosine, kink.sine);
        if (square > best.square) {
            best = {kink.cosine, kink.sine, square, kink.row};
        }
        const std::int64_t j = kink.row < m ? kink.row : kink.row - m;
        add_output(j, -1.0);
        is_on_[static_cast<std::size_t>(kink.row)] = kink.rises;
        add_output(j, 1.0);
    }
    try_peak(key, 4.0);
    return best;
}

}  // namespace relufast
