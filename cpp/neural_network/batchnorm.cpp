// Batch normalisation. Sums run over each panel in double and are added in the order of the panels.
#include <cmath>

#include "net.hpp"

namespace minimand::neural_network {
namespace {

template <class T>
using Cells = Eigen::Map<const VectorOf<T>>;

struct Shape {
    Index channels, cells, normalised, inverse;  // two slots: x^ and, in its first row, 1 / sigma
    explicit Shape(const Index* ints) : channels(ints[0]), cells(ints[1]), normalised(ints[3]), inverse(ints[4]) {}
};

// sums(c) = sum over panels, samples and cells of term(panel, position of the channel, cells)
template <class T, class Term>
std::vector<double> channel_sums(const Shape& shape, const std::vector<Panel<T>>& panels, Team& team, Term&& term) {
    const auto count = static_cast<Index>(panels.size());
    std::vector<double> sums(static_cast<std::size_t>(count * shape.channels), 0.0);
    team.run(count, [&](Index p) {
        const Panel<T>& panel = panels[static_cast<std::size_t>(p)];
        double* own = sums.data() + p * shape.channels;
        for (Index s = 0; s < panel.rows; ++s)
            for (Index c = 0; c < shape.channels; ++c) own[c] += term(panel, s, c);
    });
    for (Index p = 1; p < count; ++p)
        for (Index c = 0; c < shape.channels; ++c)
            sums[static_cast<std::size_t>(c)] += sums[static_cast<std::size_t>(p * shape.channels + c)];
    sums.resize(static_cast<std::size_t>(shape.channels));
    return sums;
}

template <class T>
Index samples(const std::vector<Panel<T>>& panels) {
    Index rows = 0;
    for (const Panel<T>& panel : panels) rows += panel.rows;
    return rows;
}

template <class T>
const T* at(const T* slot, Index stride, const Shape& shape, Index s, Index c) {
    return slot + s * stride + c * shape.cells;
}

}  // namespace

template <class T>
void forward_batchnorm(const Operation& op, const std::vector<Panel<T>>& panels, Team& team) {
    const Shape shape(op.ints);
    const Net<T>& net = *panels.front().net;
    const auto n = static_cast<std::size_t>(shape.channels);
    const Index count = samples(panels) * shape.cells;
    std::vector<double> mean(n), variance(n);
    T* running = net.running + op.state;
    if (net.training) {
        mean = channel_sums<T>(shape, panels, team, [&](const Panel<T>& panel, Index s, Index c) {
            const T* x = at<T>(panel.value(op.in0), panel.stride(op.in0), shape, s, c);
            if (shape.cells == 1) return static_cast<double>(*x);
            return Cells<T>(x, shape.cells).template cast<double>().sum();
        });
        for (double& m : mean) m /= static_cast<double>(count);
        variance = channel_sums<T>(shape, panels, team, [&](const Panel<T>& panel, Index s, Index c) {
            const T* x = at<T>(panel.value(op.in0), panel.stride(op.in0), shape, s, c);
            const double m = mean[static_cast<std::size_t>(c)];
            if (shape.cells == 1) return (static_cast<double>(*x) - m) * (static_cast<double>(*x) - m);
            return (Cells<T>(x, shape.cells).template cast<double>().array() - m).square().sum();
        });
        for (double& v : variance) v /= static_cast<double>(count);
        if (net.update_running)
            for (std::size_t c = 0; c < n; ++c) {
                const double unbiased = variance[c] * (static_cast<double>(count) / static_cast<double>(count - 1));
                running[c] = static_cast<T>((1.0 - op.b) * static_cast<double>(running[c]) + op.b * mean[c]);
                running[n + c] = static_cast<T>((1.0 - op.b) * static_cast<double>(running[n + c]) + op.b * unbiased);
            }
    } else {
        for (std::size_t c = 0; c < n; ++c) {
            mean[c] = static_cast<double>(running[c]);
            variance[c] = static_cast<double>(running[n + c]);
        }
    }
    std::vector<T> inverse(n);
    for (std::size_t c = 0; c < n; ++c) inverse[c] = static_cast<T>(1.0 / std::sqrt(variance[c] + op.a));
    team.run(static_cast<Index>(panels.size()), [&](Index p) {
        const Panel<T>& panel = panels[static_cast<std::size_t>(p)];
        const T *scale = net.theta + op.param, *shift = net.theta + op.bias;
        for (Index s = 0; s < panel.rows; ++s) {
            const T* x = panel.value(op.in0) + s * panel.stride(op.in0);
            T* kept = panel.value(shape.normalised) + s * panel.stride(shape.normalised);
            T* out = panel.value(op.out) + s * panel.stride(op.out);
            for (Index c = 0; c < shape.channels; ++c) {
                const T m = static_cast<T>(mean[static_cast<std::size_t>(c)]);
                const T factor = inverse[static_cast<std::size_t>(c)];
                for (Index i = 0; i < shape.cells; ++i) {
                    *kept = (*x++ - m) * factor;
                    *out++ = scale[c] * *kept++ + shift[c];
                }
            }
        }
        activate_all(panel.value(op.out), panel.elements(op.out), op.activation, static_cast<T>(op.slope));
        std::copy(inverse.begin(), inverse.end(), panel.value(shape.inverse));
    });
}

template <class T>
void backward_batchnorm(const Operation& op, const std::vector<Panel<T>>& panels, Team& team) {
    const Shape shape(op.ints);
    const Net<T>& net = *panels.front().net;
    const auto n = static_cast<std::size_t>(shape.channels);
    const T count = static_cast<T>(samples(panels) * shape.cells);
    team.run(static_cast<Index>(panels.size()), [&](Index p) {
        const Panel<T>& panel = panels[static_cast<std::size_t>(p)];
        chain_all(panel.delta(op.out), panel.value(op.out), panel.elements(op.out), op.activation,
                  static_cast<T>(op.slope));
    });
    const auto shift_sums = channel_sums<T>(shape, panels, team, [&](const Panel<T>& panel, Index s, Index c) {
        const T* d = at<T>(panel.delta(op.out), panel.stride(op.out), shape, s, c);
        if (shape.cells == 1) return static_cast<double>(*d);
        return Cells<T>(d, shape.cells).template cast<double>().sum();
    });
    const auto scale_sums = channel_sums<T>(shape, panels, team, [&](const Panel<T>& panel, Index s, Index c) {
        const T* d = at<T>(panel.delta(op.out), panel.stride(op.out), shape, s, c);
        const T* x = at<T>(panel.value(shape.normalised), panel.stride(shape.normalised), shape, s, c);
        if (shape.cells == 1) return static_cast<double>(*d) * static_cast<double>(*x);
        return Cells<T>(d, shape.cells).template cast<double>().dot(Cells<T>(x, shape.cells).template cast<double>());
    });
    // The sums are those of the whole batch: the first lane has them, the others nothing.
    for (std::size_t p = 0; p < panels.size(); ++p) {
        const bool add = panels[p].adds_gradient(op);
        T *scale = panels[p].gradient + op.param, *shift = panels[p].gradient + op.bias;
        for (std::size_t c = 0; c < n; ++c) {
            scale[c] = (add ? scale[c] : T(0)) + (p == 0 ? static_cast<T>(scale_sums[c]) : T(0));
            shift[c] = (add ? shift[c] : T(0)) + (p == 0 ? static_cast<T>(shift_sums[c]) : T(0));
        }
    }
    if (!net.wants_delta(op.in0)) return;
    team.run(static_cast<Index>(panels.size()), [&](Index p) {
        const Panel<T>& panel = panels[static_cast<std::size_t>(p)];
        const T *scale = net.theta + op.param, *inverse = panel.value(shape.inverse);
        const bool add = (op.flags & kAddDelta0) != 0;
        for (Index s = 0; s < panel.rows; ++s) {
            const T* d = panel.delta(op.out) + s * panel.stride(op.out);
            const T* x = panel.value(shape.normalised) + s * panel.stride(shape.normalised);
            T* to = panel.delta(op.in0) + s * panel.stride(op.in0);
            for (Index c = 0; c < shape.channels; ++c) {
                const auto k = static_cast<std::size_t>(c);
                const T factor = scale[c] * inverse[c];
                const T mean = net.training ? static_cast<T>(shift_sums[k]) / count : T(0);
                const T slope = net.training ? static_cast<T>(scale_sums[k]) / count : T(0);
                for (Index i = 0; i < shape.cells; ++i, ++to) {
                    const T back = factor * (*d++ - mean - *x++ * slope);
                    *to = add ? *to + back : back;
                }
            }
        }
    });
}

#define MINIMAND_INSTANTIATE(T)                                                                \
    template void forward_batchnorm<T>(const Operation&, const std::vector<Panel<T>>&, Team&); \
    template void backward_batchnorm<T>(const Operation&, const std::vector<Panel<T>>&, Team&);
MINIMAND_INSTANTIATE(float)
MINIMAND_INSTANTIATE(double)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::neural_network
