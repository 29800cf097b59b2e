// SPDX-License-Identifier: Apache-2.0
#include "ir/interpret_memory.h"

namespace tunesmith::ir::interpret {

int Tasks::Add(int parent, int instance, bool lane, bool role) {
  tasks_.push_back({parent, at(parent).depth + 1, instance, lane, role});
  return static_cast<int>(tasks_.size()) - 1;
}

bool Tasks::IsWithin(int task, int ancestor) const {
  while (at(task).depth > at(ancestor).depth) task = at(task).parent;
  return task == ancestor;
}

bool Tasks::Race(const Access& before, const Access& now, const Clock& clock) const {
  if (before.task < 0 || before.task == now.task) return false;
  int a = before.task, b = now.task;
  while (at(a).depth > at(b).depth) a = at(a).parent;
  while (at(b).depth > at(a).depth) b = at(b).parent;
  if (a == b) return false;  // one contains the other
  while (at(a).parent != at(b).parent) {
    a = at(a).parent;
    b = at(b).parent;
  }
  if (at(a).instance != at(b).instance) return false;
  if (at(a).lane) return !(before.reduces && now.reduces);
  if (!at(a).role) return true;
  auto known = clock.find(a);
  return known == clock.end() || known->second < before.moment;
}

void Memory::Start(int64_t elements, bool is_defined, bool track) {
  size_t size = static_cast<size_t>(elements);
  cells.resize(size);
  defined.assign(size, is_defined);
  if (track) touched.assign(size, {});
  alive = true;
}

bool Memory::Races(int64_t index, bool store, const Access& now, const Tasks& tasks, const Clock& clock) {
  if (touched.empty()) return false;
  Touched& t = touched[static_cast<size_t>(index)];
  bool race = tasks.Race(t.writer, now, clock);
  if (store) {
    for (const Access& reader : t.readers) race |= tasks.Race(reader, now, clock);
    t.writer = now;
    t.readers[0] = t.readers[1] = {};
  } else if (t.readers[0].task != now.task && tasks.Race(t.readers[0], now, clock)) {
    t.readers[1] = t.readers[0];
    t.readers[0] = now;
  } else {
    t.readers[0] = now;  // whoever is concurrent with the earlier one is so with this one
  }
  return race;
}

}  // namespace tunesmith::ir::interpret
