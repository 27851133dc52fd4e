/* work.cc ROW SIZE SAMPLES: the work as one writes it with std::shared_ptr; ../work says what each row does. Nobody finds
 * cycles here, and a weak_ptr has no callback: who wants to know of an end keeps functions in the object, which its
 * destructor calls, any number of them, as other systems' weak references with callbacks allow. */
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace
{

struct Node {
    std::shared_ptr<Node> ref[2];
    int64_t number = 0;
};

struct Watched : Node {
    std::vector<std::function<void()>> on_gone;
    ~Watched()
    {
        for (auto &call : on_gone)
            call();
    }
};

uint64_t now()
{
    return uint64_t(std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1));
}

template <class T> void keep(T &value)
{
    __asm__ volatile("" : "+m"(value) : : "memory");
}

void figure(const char *name, double value)
{
    std::printf("%s %.4f\n", name, value);
}

void sample(const char *name, uint64_t ns, size_t operations)
{
    figure(name, double(ns) / double(operations));
}

void print_sum(uint32_t sum)
{
    std::printf("sum %u\n", sum);
}

void check(bool done, const char *what)
{
    if (done)
        return;
    std::fprintf(stderr, "the work was not done: %s\n", what);
    std::exit(1);
}

double resident()
{
    char line[128];
    unsigned long kib = 0;
    std::FILE *file = std::fopen("/proc/self/status", "r");
    while (file && std::fgets(line, sizeof line, file))
        if (std::sscanf(line, "VmRSS: %lu kB", &kib) == 1)
            break;
    if (file)
        std::fclose(file);
    return double(kib) * 1024;
}

std::shared_ptr<Node> make(int64_t number)
{
    auto o = std::make_shared<Node>();
    o->number = number;
    return o;
}

void birth(size_t size, unsigned samples)
{
    uint32_t sum = 0;
    for (unsigned s = 0; s <= samples; s++) {
        sum = 0;
        uint64_t start = now();
        for (size_t i = 0; i < size; i++) {
            auto o = make(int64_t(i));
            keep(o);
            sum += uint32_t(o->number);
        }
        uint64_t ns = now() - start;
        if (s > 0)
            sample("birth", ns, size);
    }
    print_sum(sum);
}

void ring(size_t size, unsigned samples)
{
    std::vector<std::shared_ptr<Node>> places(1000);
    for (auto &place : places)
        place = make(0);
    size_t turns = (size + 999) / 1000;
    uint32_t sum = 0;
    for (unsigned s = 0; s <= samples; s++) {
        sum = 0;
        uint64_t start = now();
        for (size_t turn = 0; turn < turns; turn++) {
            for (size_t i = 0; i < places.size(); i++) {
                sum += uint32_t(places[i]->number);
                places[i].reset();
                places[i] = make(int64_t(i));
                keep(places[i]);
            }
        }
        uint64_t ns = now() - start;
        if (s > 0)
            sample("ring", ns, turns * 1000);
    }
    print_sum(sum);
}

std::shared_ptr<Node> build(size_t size)
{
    std::shared_ptr<Node> head;
    for (size_t i = 0; i < size; i++) {
        auto o = make(int64_t(i));
        o->ref[0] = std::move(head);
        head = std::move(o);
    }
    return head;
}

uint32_t list_sum(const std::shared_ptr<Node> &head)
{
    uint32_t sum = 0;
    for (Node *o = head.get(); o; o = o->ref[0].get())
        sum = sum * 31 + uint32_t(o->number);
    return sum;
}

/* Its end would recurse: the loop takes each node out of its predecessor. */
void drop(std::shared_ptr<Node> head)
{
    while (head) {
        auto next = std::move(head->ref[0]);
        head = std::move(next);
    }
}

void list(size_t size, unsigned samples)
{
    uint32_t sum = 0;
    for (unsigned s = 0; s <= samples; s++) {
        uint64_t start = now();
        auto head = build(size);
        uint64_t built = now() - start;
        sum = list_sum(head);
        start = now();
        drop(std::move(head));
        uint64_t dropped = now() - start;
        if (s > 0) {
            sample("list_build", built, size);
            sample("list_drop", dropped, size);
        }
    }
    print_sum(sum);
}

void bytes(size_t size, unsigned)
{
    double before = resident();
    auto head = build(size);
    figure("bytes", (resident() - before) / double(size));
    print_sum(list_sum(head));
    drop(std::move(head));
}

void weak_new(size_t size, unsigned samples)
{
    uint32_t sum = 0;
    std::vector<std::shared_ptr<Node>> objects(size);
    std::vector<std::weak_ptr<Node>> weaks(size);
    for (unsigned s = 0; s <= samples; s++) {
        for (size_t i = 0; i < size; i++)
            objects[i] = make(int64_t(i));
        uint64_t start = now();
        for (size_t i = 0; i < size; i++)
            weaks[i] = objects[i];
        uint64_t ns = now() - start;
        if (s > 0)
            sample("weak_new", ns, size);
        sum = 0;
        for (auto &w : weaks) {
            auto o = w.lock();
            check(bool(o), "a lock gives what lives");
            sum = sum * 31 + uint32_t(o->number);
        }
        for (size_t i = 0; i < size; i++) {
            objects[i].reset();
            check(!weaks[i].lock(), "a lock gives nothing when the object is gone");
            weaks[i].reset();
        }
    }
    print_sum(sum);
}

void lock(const char *name, size_t size, unsigned samples, bool alive)
{
    enum { HOT = 64 };
    uint32_t sum = 0;
    std::shared_ptr<Node> objects[HOT];
    std::weak_ptr<Node> weaks[HOT];
    for (size_t i = 0; i < HOT; i++) {
        objects[i] = make(int64_t(i));
        weaks[i] = objects[i];
        if (!alive)
            objects[i].reset();
    }
    size_t turns = (size + HOT - 1) / HOT;
    for (unsigned s = 0; s <= samples; s++) {
        sum = 0;
        uint64_t start = now();
        for (size_t turn = 0; turn < turns; turn++) {
            for (auto &w : weaks) {
                auto o = w.lock();
                keep(o);
                if (o)
                    sum += uint32_t(o->number) + 1;
            }
        }
        uint64_t ns = now() - start;
        if (s > 0)
            sample(name, ns, turns * HOT);
    }
    print_sum(sum);
}

void weak_lock(size_t size, unsigned samples)
{
    lock("weak_lock", size, samples, true);
}

void weak_dead(size_t size, unsigned samples)
{
    lock("weak_dead", size, samples, false);
}

void weak_gone(size_t size, unsigned samples)
{
    std::vector<std::shared_ptr<Watched>> objects(size);
    std::vector<std::weak_ptr<Watched>> weaks(size);
    for (unsigned s = 0; s <= samples; s++) {
        size_t called = 0;
        for (size_t i = 0; i < size; i++) {
            objects[i] = std::make_shared<Watched>();
            weaks[i] = objects[i];
            objects[i]->on_gone.emplace_back([&called] { called++; });
        }
        uint64_t start = now();
        for (auto &o : objects)
            o.reset();
        uint64_t ns = now() - start;
        check(called == size, "each callback runs once");
        if (s > 0)
            sample("weak_gone", ns, size);
        for (auto &w : weaks)
            w.reset();
    }
    print_sum(uint32_t(size));
}

const struct {
    const char *name;
    void (*run)(size_t size, unsigned samples);
} rows[] = {
    { "birth", birth },         { "ring", ring },           { "list", list },           { "bytes", bytes },
    { "weak_new", weak_new },   { "weak_lock", weak_lock }, { "weak_dead", weak_dead }, { "weak_gone", weak_gone },
};

} // namespace

int main(int argc, char **argv)
{
    if (argc == 2 && std::strcmp(argv[1], "--list") == 0) {
        std::printf("std::shared_ptr, %s\n", __VERSION__);
        for (auto &row : rows)
            std::puts(row.name);
        return 0;
    }
    for (auto &row : rows) {
        if (argc == 4 && std::strcmp(argv[1], row.name) == 0) {
            row.run(std::strtoul(argv[2], nullptr, 10), unsigned(std::strtoul(argv[3], nullptr, 10)));
            return 0;
        }
    }
    std::fprintf(stderr, "usage: %s ROW SIZE SAMPLES, or --list\n", argv[0]);
    return 2;
}
