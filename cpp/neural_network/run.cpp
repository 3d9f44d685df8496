#include "run.hpp"

#include <cstring>

namespace minimand::neural_network {
namespace {

template <class T>
void gather(const Batch<T>& batch, const Panel<T>& panel) {
    constexpr Index kAhead = 8;  // rows
    T* to = panel.value(0);
    const Index stride = panel.stride(0), bytes = batch.width * static_cast<Index>(sizeof(T));
    for (Index i = 0; i < panel.rows; ++i, to += stride) {
        if (batch.order && panel.first + i + kAhead < batch.rows) {
            const char* next =
                reinterpret_cast<const char*>(batch.X + batch.source(panel.first + i + kAhead) * batch.width);
            for (Index line = 0; line < bytes; line += 64) __builtin_prefetch(next + line, 0, 2);
        }
        std::memcpy(to, batch.X + batch.source(panel.first + i) * batch.width, static_cast<std::size_t>(bytes));
    }
}

template <class T>
void copy_out(const Panel<T>& panel, const T* slot, Index of, T* to) {
    const Index width = panel.width(of);
    for (Index i = 0; i < panel.rows; ++i)
        std::memcpy(to + (panel.first + i) * width, slot + i * panel.stride(of),
                    static_cast<std::size_t>(width) * sizeof(T));
}

// The delta that starts the way back.
template <class T>
void start_back(const Job<T>& job, const Batch<T>& batch, const Panel<T>& panel, Sums& sums) {
    if (job.loss) return loss_of_panel(batch, panel, job.scale, job.gradient != nullptr, sums.data());
    if (!job.delta) return;
    const Index slot = panel.net->output_slot, width = panel.width(slot);
    for (Index i = 0; i < panel.rows; ++i)
        std::memcpy(panel.delta(slot) + i * panel.stride(slot), job.delta + (panel.first + i) * width,
                    static_cast<std::size_t>(width) * sizeof(T));
}

template <class T>
void finish(const Job<T>& job, const Panel<T>& panel) {
    if (job.output) copy_out(panel, panel.value(panel.net->output_slot), panel.net->output_slot, job.output);
    if (job.input_delta) copy_out(panel, panel.delta(0), 0, job.input_delta);
}

template <class T>
Panel<T> lane_panel(const Net<T>& net, const Job<T>& job, Index lane, Index first, Index rows, T* work, bool later,
                    Team& team) {
    T* gradient = job.gradient ? job.gradient + lane * job.parameters : nullptr;
    return {&net, work + lane * net.lane_elements(), first, rows, gradient, later, &team};
}

// Lanes that know nothing of each other: panel by panel through all operations.
template <class T>
void run_lane(const Net<T>& net, const Batch<T>& batch, const Job<T>& job, Index lane, T* work, Sums& sums,
              Team& team) {
    const Index begin = lane * net.lane_rows, end = std::min(begin + net.lane_rows, batch.rows);
    const auto& ops = net.ops;
    for (Index first = begin; first < end; first += net.panel_rows) {
        const auto panel =
            lane_panel(net, job, lane, first, std::min(net.panel_rows, end - first), work, first > begin, team);
        gather(batch, panel);
        for (Index k = 0; k < job.operations; ++k) forward_operation(ops[static_cast<std::size_t>(k)], panel);
        start_back(job, batch, panel, sums);
        if (job.gradient)
            for (Index k = job.operations; k-- > 0;) backward_operation(ops[static_cast<std::size_t>(k)], panel);
        finish(job, panel);
    }
}

// All lanes meet at every batch norm.
template <class T>
void run_together(const Net<T>& net, const Batch<T>& batch, const Job<T>& job, T* work, std::vector<Sums>& sums,
                  Team& team) {
    const Index lanes = net.lanes(batch.rows), count = job.operations;
    Team alone(1);
    Team& inner = lanes == 1 ? team : alone;
    std::vector<Panel<T>> panels;
    for (Index lane = 0; lane < lanes; ++lane) {
        const Index first = lane * net.lane_rows;
        panels.push_back(
            lane_panel(net, job, lane, first, std::min(net.lane_rows, batch.rows - first), work, false, inner));
    }
    const auto all = [&](auto&& body) {
        team.run(lanes, [&](Index lane) { body(panels[static_cast<std::size_t>(lane)]); });
    };
    const auto op = [&](Index k) -> const Operation& { return net.ops[static_cast<std::size_t>(k)]; };
    const auto meets = [&](Index k) { return op(k).code == Code::batchnorm; };
    all([&](const Panel<T>& panel) { gather(batch, panel); });
    for (Index k = 0; k < count;) {
        if (meets(k)) {
            forward_batchnorm(op(k++), panels, team);
            continue;
        }
        Index end = k;
        while (end < count && !meets(end)) ++end;
        all([&](const Panel<T>& panel) {
            for (Index i = k; i < end; ++i) forward_operation(op(i), panel);
        });
        k = end;
    }
    team.run(lanes, [&](Index lane) {
        const auto l = static_cast<std::size_t>(lane);
        start_back(job, batch, panels[l], sums[l]);
    });
    for (Index k = job.gradient ? count : 0; k > 0;) {
        if (meets(k - 1)) {
            backward_batchnorm(op(--k), panels, team);
            continue;
        }
        Index begin = k;
        while (begin > 0 && !meets(begin - 1)) --begin;
        all([&](const Panel<T>& panel) {
            for (Index i = k; i-- > begin;) backward_operation(op(i), panel);
        });
        k = begin;
    }
    all([&](const Panel<T>& panel) { finish(job, panel); });
}

}  // namespace

template <class T>
Sums run(const Net<T>& net, const Batch<T>& batch, const Job<T>& job, T* work, std::vector<Sums>& sums, Team& team) {
    const Index lanes = net.lanes(batch.rows);
    sums.assign(static_cast<std::size_t>(lanes), Sums{});
    if (net.training && net.has_batchnorm()) {
        run_together(net, batch, job, work, sums, team);
    } else {
        Team alone(1);
        Team& inner = lanes == 1 ? team : alone;
        team.run(lanes, [&](Index lane) {
            run_lane(net, batch, job, lane, work, sums[static_cast<std::size_t>(lane)], inner);
        });
    }
    Sums total{};
    for (const Sums& own : sums)
        for (std::size_t k = 0; k < total.size(); ++k) total[k] += own[k];
    return total;
}

template Sums run<float>(const Net<float>&, const Batch<float>&, const Job<float>&, float*, std::vector<Sums>&, Team&);
template Sums run<double>(const Net<double>&, const Batch<double>&, const Job<double>&, double*, std::vector<Sums>&,
                          Team&);

}  // namespace minimand::neural_network
