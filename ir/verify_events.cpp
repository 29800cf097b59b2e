// SPDX-License-Identifier: Apache-2.0
#include "ir/verify_events.h"

#include <utility>
#include <vector>

#include "ir/simplify_stmt.h"
#include "ir/verifier.h"
#include "support/strings.h"

namespace tunesmith::ir {
namespace {

/// Follows one event through the program with a lower bound, a form over the variables in scope, of how often
/// it has fired.
class EventCount {
 public:
  EventCount(const Function& function, int event) : function_(function), event_(event), algebra_(&ranges_) {}

  Status Follow(const Stmt& s) {
    switch (s->kind) {
      case StmtKind::kSeq:
      case StmtKind::kAlloc:
        for (const Stmt& child : s->body) TS_RETURN_IF_ERROR(Follow(child));
        return absl::OkStatus();
      case StmtKind::kFor:
        return Loop(*s);
      case StmtKind::kIf:
        return Choice(*s);
      case StmtKind::kSignal:
      case StmtKind::kCopy:
        if (s->event == event_) ++fired_.constant;
        return absl::OkStatus();
      case StmtKind::kWait:
        return s->event == event_ ? Wait(*s) : absl::OkStatus();
      case StmtKind::kRoles:
        return Roles(*s);
      default:
        return absl::OkStatus();
    }
  }

 private:
  /// How often the event fires at least while the statement runs once.
  int64_t LeastFirings(const Stmt& s) const {
    int64_t sum = 0;
    switch (s->kind) {
      case StmtKind::kSignal:
      case StmtKind::kCopy:
        return s->event == event_ ? 1 : 0;
      case StmtKind::kIf:
        return s->body.size() < 2 ? 0 : std::min(LeastFirings(s->body[0]), LeastFirings(s->body[1]));
      case StmtKind::kFor:
        if (IsShared(s->loop) || s->extent->kind != te::ExprKind::kInt) return 0;
        return std::max<int64_t>(s->extent->integer, 0) * LeastFirings(s->body[0]);
      default:
        for (const Stmt& child : s->body) sum += LeastFirings(child);
        return sum;
    }
  }

  Status Loop(const StmtNode& s) {
    Expr begin = algebra_.Simplified(s.begin), extent = algebra_.Simplified(s.extent);
    Linear before = fired_;
    int64_t each = IsShared(s.loop) ? 0 : LeastFirings(s.body[0]);
    size_t mark = EnterLoop(s.var, begin, extent, &ranges_);
    algebra_.Reset();
    // In iteration var, var - begin iterations have run.
    Linear done = AddScaled(Linear::Variable(s.var), algebra_.Normal(begin), -1);
    fired_ = AddScaled(before, done, each);
    Status status = Follow(s.body[0]);
    LeaveLoop(s.var, mark, &ranges_);
    algebra_.Reset();
    fired_ = before;
    if (each > 0) {
      Expr count = te::Binary(te::ExprKind::kMax, extent, te::Int(0));
      fired_ = AddScaled(before, algebra_.Normal(count), each);
    }
    return status;
  }

  Status Choice(const StmtNode& s) {
    Linear before = fired_;
    for (size_t n = 0; n < s.body.size(); ++n) {
      size_t mark = ranges_.Assume(n == 0 ? s.condition : Negation(s.condition));
      algebra_.Reset();
      fired_ = before;
      Status status = Follow(s.body[n]);
      ranges_.Forget(mark);
      algebra_.Reset();
      TS_RETURN_IF_ERROR(status);
    }
    fired_ = before;
    if (s.body.size() > 1) {
      fired_.constant += std::min(LeastFirings(s.body[0]), LeastFirings(s.body[1]));
    }
    return absl::OkStatus();
  }

  Status Roles(const StmtNode& s) {
    Linear before = fired_;
    int64_t all = 0;
    for (const Stmt& role : s.body) all += LeastFirings(role);
    for (const Stmt& role : s.body) {
      fired_ = before;
      fired_.constant += all - LeastFirings(role);
      TS_RETURN_IF_ERROR(Follow(role));
    }
    fired_ = before;
    fired_.constant += all;
    return absl::OkStatus();
  }

  Status Wait(const StmtNode& s) {
    Linear times = algebra_.Normal(s.extent), excess;
    if (Combine(fired_, 1, times, -1, &excess) && algebra_.NonNegative(excess)) return absl::OkStatus();
    return Invalid(StrCat(function_.name, ": events: ", ToString(function_, s), ": '",
                          function_.events[static_cast<size_t>(event_)],
                          "' may have fired less often; fire it on every path before"));
  }

  const Function& function_;
  int event_;
  Ranges ranges_;
  Algebra algebra_;
  Linear fired_;
};

}  // namespace

Status VerifyEvents(const Function& function) {
  for (size_t e = 0; e < function.events.size(); ++e) {
    TS_RETURN_IF_ERROR(EventCount(function, static_cast<int>(e)).Follow(function.body));
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::ir
