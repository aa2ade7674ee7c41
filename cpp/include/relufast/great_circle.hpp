// The error |relu(A x) - relu(L x)| along a great circle x cos t + d sin t.
#pragma once

#include <cstdint>
#include <vector>

namespace relufast {

// Where the error is largest on a circle.
struct CircleMaximum {
    double cosine;
    double sine;
    double square;
    std::int64_t kink;  // the row that changes its sign there: of A below m, of L from m on; or -1
};

// Along a circle every row's output is a relu of a sine, with two kinks; between neighbouring kinks
// the squared error is a quadratic form of (cos t, sin t). So the largest one is found by a sort of
// kinks and a sweep. Keeps its memory from circle to circle.
class GreatCircle {
 public:
    // A x, A d, L x and L d, each of length m.
    CircleMaximum maximise(std::int64_t m, const double* ax, const double* ad, const double* lx,
                           const double* ld);

 private:
    struct Kink {
        double key;  // rises with the angle
        double cosine, sine;
        std::int64_t row;
        bool rises;
    };
    std::vector<Kink> kinks_;
    std::vector<bool> is_on_;
};

}  // namespace relufast
