#include "derivatives.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

namespace minimand::derivatives {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// As np.maximum: NaN wins.
double larger(double a, double b) { return a > b || std::isnan(a) ? a : b; }
double smaller(double a, double b) { return a < b || std::isnan(a) ? a : b; }

struct Pair {
    double near, far;  // the rule at h and at 2h
};

// Each rule from d[q] = f_q - f_0.
struct Central {
    static constexpr Index kOffsets = 4;
    static constexpr double kShare = 3.0, kAmplification = 1.0;
    static constexpr bool kTwoSided = true;
    static constexpr int kOrder = 1;
    static Pair apply(const double* d, double h) { return {(d[0] - d[1]) / (2.0 * h), (d[2] - d[3]) / (4.0 * h)}; }
    static double sample(const double* d, double h) {
        return std::abs((d[2] + d[3]) - 4.0 * (d[0] + d[1])) / (8.0 * h);
    }
};
struct OneSided {
    static constexpr Index kOffsets = 3;
    static constexpr double kShare = 3.0, kAmplification = 4.0;
    static constexpr bool kTwoSided = false;
    static constexpr int kOrder = 1;
    static Pair apply(const double* d, double h) {
        return {(4.0 * d[0] - d[1]) / (2.0 * h), (4.0 * d[1] - d[2]) / (4.0 * h)};
    }
    static double sample(const double*, double) { return 0.0; }
};
struct Forward {
    static constexpr Index kOffsets = 2;
    static constexpr double kShare = 1.0, kAmplification = 2.0;
    static constexpr bool kTwoSided = false;
    static constexpr int kOrder = 1;
    static Pair apply(const double* d, double h) { return {d[0] / h, d[1] / (2.0 * h)}; }
    static double sample(const double*, double) { return 0.0; }
};
struct Second {
    static constexpr Index kOffsets = 4;
    static constexpr double kShare = 3.0, kAmplification = 4.0;
    static constexpr bool kTwoSided = true;
    static constexpr int kOrder = 2;
    // Divided twice: h^2 may overflow or underflow.
    static Pair apply(const double* d, double h) {
        return {(d[0] + d[1]) / h / h, (d[2] + d[3]) / (2.0 * h) / (2.0 * h)};
    }
    static double sample(const double*, double) { return 0.0; }
};
struct SecondOneSided {
    static constexpr Index kOffsets = 5;
    static constexpr double kShare = 3.0, kAmplification = 12.0;
    static constexpr bool kTwoSided = false;
    static constexpr int kOrder = 2;
    static Pair apply(const double* d, double h) {
        return {((4.0 * d[1] - 5.0 * d[0]) - d[2]) / h / h, ((4.0 * d[3] - 5.0 * d[1]) - d[4]) / (2.0 * h) / (2.0 * h)};
    }
    static double sample(const double*, double) { return 0.0; }
};

template <class Rule>
void apply_rule(const MatrixIn<double>& values, const VectorIn& centre, const VectorIn& h, const VectorIn& size,
                const VectorIn& noise, double eps, MatrixOut& out) {
    assert(values.rows() == Rule::kOffsets);
    for (Index i = 0; i < values.cols(); ++i) {
        std::array<double, Rule::kOffsets> d;
        double largest = std::abs(values(0, i));
        for (Index q = 0; q < Rule::kOffsets; ++q) {
            d[static_cast<std::size_t>(q)] = values(q, i) - centre[i];
            largest = larger(largest, std::abs(values(q, i)));
        }
        largest = larger(largest, std::abs(centre[i]));
        const Pair rule = Rule::apply(d.data(), h[i]);
        double slope = std::abs(d[0]);
        if (Rule::kTwoSided) slope = larger(slope, std::abs(d[1]));
        slope = slope / std::abs(h[i]);
        const double eta = larger(noise[i], eps * (largest + size[i] * slope));
        const double rounding = Rule::kAmplification * eta / std::abs(h[i]);
        out(0, i) = rule.near;
        out(1, i) = std::abs(rule.near - rule.far) / Rule::kShare + Rule::sample(d.data(), h[i]);
        out(2, i) = Rule::kOrder == 1 ? rounding : rounding / std::abs(h[i]);
    }
}

}  // namespace

void displaced_points(VectorIn x, IndexVectorIn first, VectorIn first_step, IndexVectorIn second, VectorIn second_step,
                      VectorIn lower, VectorIn upper, MatrixOut points) {
    for (Index r = 0; r < points.rows(); ++r) {
        points.row(r) = x.transpose();
        const auto move = [&](Index j, double step) {
            double& entry = points(r, j);
            entry = smaller(larger(entry + step, lower[j]), upper[j]);
        };
        move(first[r], first_step[r]);
        move(second[r], second_step[r]);
    }
}

void differences(MatrixIn<double> values, VectorIn centre, VectorIn h, VectorIn size, VectorIn noise, double eps,
                 int rule, MatrixOut out) {
    switch (rule) {
        case 0:
            return apply_rule<Central>(values, centre, h, size, noise, eps, out);
        case 1:
            return apply_rule<OneSided>(values, centre, h, size, noise, eps, out);
        case 2:
            return apply_rule<Forward>(values, centre, h, size, noise, eps, out);
        case 3:
            return apply_rule<Second>(values, centre, h, size, noise, eps, out);
        default:
            return apply_rule<SecondOneSided>(values, centre, h, size, noise, eps, out);
    }
}

void mixed_differences(MatrixIn<double> corners, MatrixIn<double> axes, double centre, VectorIn h, VectorIn size,
                       double noise, double eps, IndexVectorIn first, IndexVectorIn second, MatrixOut out) {
    for (Index p = 0; p < corners.cols(); ++p) {
        const Index i = first[p], j = second[p];
        const double near = ((corners(0, p) - axes(0, i)) - (axes(0, j) - centre)) +
                            ((corners(1, p) - axes(1, i)) - (axes(1, j) - centre));
        const double far = ((corners(2, p) - axes(2, i)) - (axes(2, j) - centre)) +
                           ((corners(3, p) - axes(3, i)) - (axes(3, j) - centre));
        double largest = std::abs(centre);
        for (Index s = 0; s < 4; ++s) {
            largest = larger(largest, std::abs(corners(s, p)));
            largest = larger(largest, larger(std::abs(axes(s, i)), std::abs(axes(s, j))));
        }
        const auto slope_along = [&](Index k) {
            return larger(std::abs(axes(0, k) - centre), std::abs(axes(1, k) - centre)) / h[k];
        };
        const double slope = size[i] * slope_along(i) + size[j] * slope_along(j);
        const double value = near / (2.0 * h[i]) / h[j];
        out(0, p) = value;
        out(1, p) = std::abs(value - far / (8.0 * h[i]) / h[j]) / 3.0;
        out(2, p) = 4.0 * larger(noise, eps * (largest + slope)) / h[i] / h[j];
    }
}

void richardson_table(MatrixIn<double> differences, MatrixIn<double> rounding, double base, MatrixOut out,
                      IndexVectorOut level) {
    constexpr Index kMost = 16;
    const Index levels = differences.rows();
    assert(levels >= 2 && levels <= kMost);
    std::array<double, kMost> table;
    for (Index c = 0; c < differences.cols(); ++c) {
        for (Index i = 0; i < levels; ++i) table[static_cast<std::size_t>(i)] = differences(i, c);
        double best = kInfinity;
        out(0, c) = std::numeric_limits<double>::quiet_NaN();
        out(1, c) = out(2, c) = kInfinity;
        level[c] = levels - 1;
        const double finest = differences(levels - 1, c);
        const double credible = 2.0 * (std::abs(finest - differences(levels - 2, c)) + rounding(levels - 1, c));
        double power = 1.0;
        for (Index k = 1; k < levels; ++k) {
            power *= base;
            for (Index i = 0; i < levels - k; ++i) {
                double& coarse = table[static_cast<std::size_t>(i)];
                const double fine = table[static_cast<std::size_t>(i + 1)];
                const double next = fine + (fine - coarse) / (power - 1.0);
                const double beyond = std::abs(next - finest) - credible;
                const double change = std::abs(fine - coarse) + (beyond > 0.0 ? beyond : 0.0);
                const double cost = change + rounding(i + k, c);
                if (cost < best) {
                    best = cost;
                    out(0, c) = next;
                    out(1, c) = change;
                    out(2, c) = rounding(i + k, c);
                    level[c] = i + k;
                }
                coarse = next;
            }
        }
    }
}

}  // namespace minimand::derivatives
