#include <algorithm>
#include <cmath>

#include "net.hpp"

namespace minimand::neural_network {
namespace {

// Each function returns the loss of one sample and writes its derivative for the logits.

template <class T>
double squared_error(const T* z, const T* y, Index width, T* D) {
    double sum = 0.0;
    for (Index j = 0; j < width; ++j) {
        const T r = z[j] - y[j];
        sum += static_cast<double>(r) * static_cast<double>(r);
        D[j] = r;
    }
    return 0.5 * sum;
}

// log sum_k e^(z_k - z_y). The row is padded to whole vectors, where -inf changes nothing.
template <class T>
double cross_entropy(T* z, Index label, Index width, T* D, bool& right) {
    using namespace Eigen::internal;
    constexpr int L = kLanesOf<T>;
    const Index end = (width + L - 1) / L * L;
    std::fill(z + width, z + end, -std::numeric_limits<T>::infinity());
    auto tops = simd::load(z);
    for (Index j = L; j < end; j += L) tops = pmax(tops, simd::load(z + j));
    const T top = predux_max(tops);
    auto sums = pack<T>(0);
    for (Index j = 0; j < end; j += L) {
        const auto e = pexp(simd::sub(simd::load(z + j), pack<T>(top)));
        simd::store(D + j, e);
        sums = simd::add(sums, e);
    }
    const T sum = simd::sum(sums);
    const auto factor = pack<T>(T(1) / sum);
    for (Index j = 0; j < end; j += L) simd::store(D + j, simd::mul(simd::load(D + j), factor));
    D[label] -= T(1);
    right = std::find(z, z + width, top) == z + label;
    return std::log(static_cast<double>(sum)) + static_cast<double>(top - z[label]);
}

// log(1 + e^z) - y z
template <class T>
double binary_cross_entropy(const T* z, const T* y, Index width, T* D) {
    double sum = 0.0;
    for (Index j = 0; j < width; ++j) {
        const T small = std::exp(-std::abs(z[j])), near = T(1) / (T(1) + small);
        sum += static_cast<double>(std::max(z[j], T(0)) + std::log1p(small) - y[j] * z[j]);
        D[j] = (z[j] < T(0) ? small * near : near) - y[j];
    }
    return sum;
}

// -sum [y log h + (1 - y) log(1 - h)] with h = softmax(z); see minimand/reference/neural_network/losses.py.
template <class T>
double both_terms(const T* z, const T* y, Index width, T* D) {
    const Index m = std::max_element(z, z + width) - z;
    double second = -std::numeric_limits<double>::infinity(), sum = 0.0;
    for (Index j = 0; j < width; ++j)
        if (j != m) second = std::max(second, static_cast<double>(z[j]) - static_cast<double>(z[m]));
    for (Index j = 0; j < width; ++j)
        if (j != m) sum += std::exp(static_cast<double>(z[j]) - static_cast<double>(z[m]) - second);
    const double log_s = second + std::log(sum), log1p_s = std::log1p(std::exp(log_s));
    const double h_m = std::exp(-log1p_s), y_m = static_cast<double>(y[m]);
    double loss = y_m > 0.0 ? y_m * log1p_s : 0.0, U = 0.0;
    if (y_m < 1.0 || log_s > -std::numeric_limits<double>::infinity()) loss -= (1.0 - y_m) * (log_s - log1p_s);
    for (Index j = 0; j < width; ++j) {
        if (j == m) continue;
        const double log_h = static_cast<double>(z[j]) - static_cast<double>(z[m]) - log1p_s, h = std::exp(log_h);
        const double target = static_cast<double>(y[j]);
        loss -= target * log_h + (1.0 - target) * std::log1p(-h);
        U += (h - target) / (1.0 - h);
    }
    for (Index j = 0; j < width; ++j) {
        if (j == m) continue;
        const double shifted = static_cast<double>(z[j]) - static_cast<double>(z[m]);
        const double h = std::exp(shifted - log1p_s), u = (h - static_cast<double>(y[j])) / (1.0 - h);
        D[j] = static_cast<T>(u - h * U - std::exp(shifted - log_s) * (h_m - y_m));
    }
    D[m] = static_cast<T>((h_m - y_m) - h_m * U);
    return loss;
}

template <class T>
bool same_side(const T* z, const T* y, Index width) {
    for (Index j = 0; j < width; ++j)
        if ((z[j] > T(0)) != (y[j] > T(0.5))) return false;
    return true;
}

template <class T>
bool same_largest(const T* z, const T* y, Index width) {
    return std::max_element(z, z + width) - z == std::max_element(y, y + width) - y;
}

}  // namespace

template <class T>
void loss_of_panel(const Batch<T>& batch, const Panel<T>& panel, double scale, bool wants_delta, double* sums) {
    const Net<T>& net = *panel.net;
    const Index slot = net.loss_slot, width = panel.width(slot), stride = panel.stride(slot);
    for (Index i = 0; i < panel.rows; ++i) {
        const Index row = panel.first + i, source = batch.source(row);
        T *z = panel.value(slot) + i * stride, *D = panel.delta(slot) + i * stride;
        const T* y = batch.targets + source * batch.target_width;
        const double w = batch.weight(row);
        double loss = 0.0;
        bool right = false;
        switch (net.loss) {
            case LossCode::squared_error:
                loss = squared_error(z, y, width, D);
                break;
            case LossCode::cross_entropy:
                loss = cross_entropy(z, batch.labels[source], width, D, right);
                break;
            case LossCode::binary_cross_entropy:
                loss = binary_cross_entropy(z, y, width, D);
                right = same_side(z, y, width);
                break;
            case LossCode::categorical_sigmoid:
                loss = binary_cross_entropy(z, y, width, D);
                right = width > 1 ? same_largest(z, y, width) : same_side(z, y, width);
                break;
            case LossCode::categorical_softmax:
                loss = both_terms(z, y, width, D);
                right = same_largest(z, y, width);
                break;
        }
        sums[0] += w * loss;
        sums[1] += w;
        sums[2] += right ? w : 0.0;
        if (!wants_delta) continue;
        const auto factor = pack<T>(static_cast<T>(w * scale));
        for (Index j = 0; j < stride; j += kLanesOf<T>) simd::store(D + j, simd::mul(simd::load(D + j), factor));
    }
}

#define MINIMAND_INSTANTIATE(T) template void loss_of_panel<T>(const Batch<T>&, const Panel<T>&, double, bool, double*);
MINIMAND_INSTANTIATE(float)
MINIMAND_INSTANTIATE(double)
#undef MINIMAND_INSTANTIATE

}  // namespace minimand::neural_network
