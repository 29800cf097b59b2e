// SPDX-License-Identifier: Apache-2.0
#include "ir/ir.h"

#include <utility>

namespace tunesmith::ir {
namespace {

std::shared_ptr<StmtNode> Make(StmtKind kind) {
  auto node = std::make_shared<StmtNode>();
  node->kind = kind;
  return node;
}

}  // namespace

Stmt Seq(std::vector<Stmt> statements) {
  std::vector<Stmt> flat;
  flat.reserve(statements.size());
  for (Stmt& s : statements) {
    if (s == nullptr) continue;
    if (s->kind == StmtKind::kSeq) {
      flat.insert(flat.end(), s->body.begin(), s->body.end());
    } else {
      flat.push_back(std::move(s));
    }
  }
  if (flat.size() == 1) return flat.front();
  auto node = Make(StmtKind::kSeq);
  node->body = std::move(flat);
  return node;
}

Stmt For(LoopKind kind, int var, Expr begin, Expr extent, Stmt body, int64_t grain) {
  auto node = Make(StmtKind::kFor);
  node->loop = kind;
  node->var = var;
  node->begin = std::move(begin);
  node->extent = std::move(extent);
  node->grain = grain;
  node->body.push_back(std::move(body));
  return node;
}

Stmt BoundFor(std::string binding, int var, Expr extent, Stmt body) {
  auto node = Make(StmtKind::kFor);
  node->loop = LoopKind::kBound;
  node->binding = std::move(binding);
  node->var = var;
  node->begin = te::Int(0);
  node->extent = std::move(extent);
  node->body.push_back(std::move(body));
  return node;
}

Stmt If(Expr condition, Stmt yes, Stmt no) {
  auto node = Make(StmtKind::kIf);
  node->condition = std::move(condition);
  node->body.push_back(std::move(yes));
  if (no != nullptr) node->body.push_back(std::move(no));
  return node;
}

Stmt Store(int buffer, Expr index, Expr value, bool streaming) {
  auto node = Make(StmtKind::kStore);
  node->buffer = buffer;
  node->index = std::move(index);
  node->value = std::move(value);
  node->streaming = streaming;
  return node;
}

Stmt Alloc(int buffer, Stmt body) {
  auto node = Make(StmtKind::kAlloc);
  node->buffer = buffer;
  node->body.push_back(std::move(body));
  return node;
}

Stmt Prefetch(int buffer, Expr index) {
  auto node = Make(StmtKind::kPrefetch);
  node->buffer = buffer;
  node->index = std::move(index);
  return node;
}

Stmt Copy(int buffer, Expr index, int source, Expr source_index, Expr elements, int event) {
  auto node = Make(StmtKind::kCopy);
  node->buffer = buffer;
  node->index = std::move(index);
  node->source = source;
  node->value = std::move(source_index);
  node->extent = std::move(elements);
  node->event = event;
  return node;
}

Stmt Wait(int event, Expr times) {
  auto node = Make(StmtKind::kWait);
  node->event = event;
  node->extent = std::move(times);
  return node;
}

Stmt Signal(int event) {
  auto node = Make(StmtKind::kSignal);
  node->event = event;
  return node;
}

Stmt Roles(std::vector<Stmt> bodies) {
  auto node = Make(StmtKind::kRoles);
  node->body = std::move(bodies);
  return node;
}

}  // namespace tunesmith::ir
