// SPDX-License-Identifier: Apache-2.0
// Functions: the entry that callers see, the kernel's body with its pointers as arguments that do not alias,
// and a function for each parallel loop, called through the table of threads.
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "codegen/llvm/emitter.h"
#include "support/strings.h"

namespace tunesmith::codegen {

using ir::StmtKind;
using llvm::Value;

namespace {

/// Larger buffers of one worker go to the workspace: stacks of library threads are small.
constexpr int64_t kMostOnStack = 16 << 10;
constexpr int64_t kLine = 64;

int64_t BytesOf(const ir::Buffer& b) {
  return (b.elements * te::SizeOf(b.dtype) + kLine - 1) / kLine * kLine;
}

/// Expanded mathematics shares nodes: each is looked at once.
void CollectVariables(const te::Expr& e, absl::flat_hash_set<const te::ExprNode*>* seen,
                      std::vector<bool>* used) {
  if (!e || !seen->insert(e.get()).second) return;
  if (e->kind == te::ExprKind::kVar) (*used)[static_cast<size_t>(e->id)] = true;
  for (const te::Expr& arg : e->args) CollectVariables(arg, seen, used);
}

void CollectVariables(const ir::StmtNode& s, absl::flat_hash_set<const te::ExprNode*>* seen,
                      std::vector<bool>* used, std::vector<bool>* bound) {
  for (const te::Expr* e : {&s.begin, &s.extent, &s.condition, &s.index, &s.value})
    CollectVariables(*e, seen, used);
  if (s.kind == StmtKind::kFor) (*bound)[static_cast<size_t>(s.var)] = true;
  for (const ir::Stmt& child : s.body) CollectVariables(*child, seen, used, bound);
}

/// The variables that `s` uses from outside.
std::vector<int> FreeVariables(const ir::StmtNode& s, size_t count) {
  std::vector<bool> used(count), bound(count);
  absl::flat_hash_set<const te::ExprNode*> seen;
  CollectVariables(s, &seen, &used, &bound);
  std::vector<int> free;
  for (size_t v = 0; v < count; ++v) {
    if (used[v] && !bound[v]) free.push_back(static_cast<int>(v));
  }
  return free;
}

void SetAttributes(llvm::Function* f, const Target& target) {
  f->addFnAttr(llvm::Attribute::NoUnwind);
  f->addFnAttr("no-builtins");
  f->addFnAttr("frame-pointer", "none");
  f->addFnAttr("target-cpu", target.cpu);
  f->addFnAttr("target-features", target.features);
  std::string bits = StrCat(target.vector_bytes * 8);
  f->addFnAttr("prefer-vector-width", bits);
  f->addFnAttr("min-legal-vector-width", bits);
}

}  // namespace

Emitter::Emitter(Entry* entry, llvm::Function* function)
    : entry_(entry),
      function_(function),
      b_(llvm::BasicBlock::Create(function->getContext(), "entry", function)) {
  pointers_.resize(entry->function.buffers.size());
  vars_.resize(entry->function.variables.size());
  llvm::FastMathFlags flags;
  flags.setAllowContract();
  b_.setFastMathFlags(flags);
}

/// Arguments: one pointer a buffer that lives in memory (in order), the shared workspace, the worker's
/// workspace, the threads table, the variables, and for a parallel loop first and last.
Result<llvm::Function*> Emitter::EmitRegion(Entry* entry, const ir::Stmt& body,
                                            const std::vector<int>& variables,
                                            const std::vector<const ir::StmtNode*>& parallel) {
  llvm::LLVMContext& context = entry->module.getContext();
  llvm::Type* pointer = llvm::PointerType::getUnqual(context);
  llvm::Type* i64 = llvm::Type::getInt64Ty(context);
  const auto& buffers = entry->function.buffers;
  std::vector<llvm::Type*> types;
  std::vector<int> passed;
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].scope == ir::Scope::kParameter || entry->workspace_at[i] >= 0) {
      passed.push_back(static_cast<int>(i));
      types.push_back(pointer);
    }
  }
  types.push_back(pointer);
  types.insert(types.end(), variables.size(), i64);
  if (!parallel.empty()) types.insert(types.end(), 2, i64);
  auto* function = llvm::Function::Create(
      llvm::FunctionType::get(llvm::Type::getVoidTy(context), types, false),
      llvm::GlobalValue::InternalLinkage, StrCat(entry->name, "_body", entry->functions++), entry->module);
  SetAttributes(function, entry->target);
  function->addFnAttr(llvm::Attribute::NoInline);
  Emitter emitter(entry, function);
  unsigned argument = 0;
  for (int buffer : passed) {
    const ir::Buffer& b = buffers[static_cast<size_t>(buffer)];
    function->addParamAttr(argument, llvm::Attribute::NoAlias);
    if (b.scope == ir::Scope::kParameter && !b.written)
      function->addParamAttr(argument, llvm::Attribute::ReadOnly);
    int64_t alignment = b.scope == ir::Scope::kParameter ? b.alignment : kLine;
    function->addParamAttr(
        argument, llvm::Attribute::getWithAlignment(context, llvm::Align(static_cast<uint64_t>(alignment))));
    emitter.pointers_[static_cast<size_t>(buffer)] = function->getArg(argument++);
  }
  emitter.threads_ = function->getArg(argument++);
  for (int v : variables) emitter.vars_[static_cast<size_t>(v)] = function->getArg(argument++);
  if (parallel.empty()) {
    emitter.Emit(body);
  } else {
    Value* first = function->getArg(argument++);
    emitter.EmitIterations(parallel, first, function->getArg(argument++));
  }
  emitter.b_.CreateRetVoid();
  if (!emitter.status_.ok()) return emitter.status_;
  return function;
}

/// The loop's body becomes a function; its arguments travel in a closure on the stack of the caller.
void Emitter::EmitParallel(const ir::StmtNode& s) {
  std::vector<const ir::StmtNode*> loops = {&s};
  while (loops.back()->body[0]->kind == StmtKind::kFor &&
         loops.back()->body[0]->loop == ir::LoopKind::kParallel) {
    loops.push_back(loops.back()->body[0].get());
  }
  Value* iterations = nullptr;
  for (const ir::StmtNode* loop : loops) {
    Value* extent = Emit(loop->extent);
    iterations = iterations ? b_.CreateNSWMul(iterations, extent) : extent;
  }
  std::vector<int> variables = FreeVariables(s, vars_.size());
  Result<llvm::Function*> body = EmitRegion(entry_, loops.back()->body[0], variables, loops);
  if (!body.ok()) return Fail(body.status());

  llvm::LLVMContext& context = b_.getContext();
  llvm::Type* pointer = b_.getPtrTy();
  const auto& buffers = entry_->function.buffers;
  // The closure: a pointer a passed buffer, the threads table, the variables.
  std::vector<llvm::Type*> fields;
  std::vector<Value*> values;
  std::vector<int> workers;  // fields that are a base to which the worker's share is added
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].scope != ir::Scope::kParameter && entry_->workspace_at[i] < 0) continue;
    if (buffers[i].scope == ir::Scope::kThread) workers.push_back(static_cast<int>(fields.size()));
    fields.push_back(pointer);
    values.push_back(pointers_[i]);
  }
  fields.push_back(pointer);
  values.push_back(threads_);
  for (int v : variables) {
    fields.push_back(b_.getInt64Ty());
    values.push_back(vars_[static_cast<size_t>(v)]);
  }
  auto* closure_type = llvm::StructType::get(context, fields);
  llvm::IRBuilder<> at_entry(&function_->getEntryBlock(), function_->getEntryBlock().begin());
  Value* closure = at_entry.CreateAlloca(closure_type);
  for (unsigned i = 0; i < values.size(); ++i)
    b_.CreateStore(values[i], b_.CreateStructGEP(closure_type, closure, i));

  // void piece(void* closure, int64_t first, int64_t last, int32_t worker)
  auto* piece_type = llvm::FunctionType::get(
      b_.getVoidTy(), {pointer, b_.getInt64Ty(), b_.getInt64Ty(), b_.getInt32Ty()}, false);
  auto* piece = llvm::Function::Create(piece_type, llvm::GlobalValue::InternalLinkage,
                                       StrCat(entry_->name, "_piece", entry_->functions++), entry_->module);
  SetAttributes(piece, entry_->target);
  llvm::IRBuilder<> p(llvm::BasicBlock::Create(context, "entry", piece));
  std::vector<Value*> arguments;
  Value* share = p.CreateMul(p.CreateSExt(piece->getArg(3), p.getInt64Ty()),
                             p.getInt64(static_cast<uint64_t>(entry_->workspace.bytes_per_worker)));
  for (unsigned i = 0; i < fields.size(); ++i) {
    Value* field = p.CreateLoad(fields[i], p.CreateStructGEP(closure_type, piece->getArg(0), i));
    if (std::find(workers.begin(), workers.end(), static_cast<int>(i)) != workers.end())
      field = p.CreateGEP(p.getInt8Ty(), field, share);
    arguments.push_back(field);
  }
  arguments.push_back(piece->getArg(1));
  arguments.push_back(piece->getArg(2));
  p.CreateCall(*body, arguments);
  p.CreateRetVoid();

  // threads->run(threads->context, piece, closure, iterations, grain)
  auto* table = llvm::StructType::get(context, {pointer, pointer, b_.getInt32Ty()});
  auto* run_type = llvm::FunctionType::get(
      b_.getVoidTy(), {pointer, pointer, pointer, b_.getInt64Ty(), b_.getInt64Ty()}, false);
  Value* run = b_.CreateLoad(pointer, b_.CreateStructGEP(table, threads_, 0));
  Value* run_context = b_.CreateLoad(pointer, b_.CreateStructGEP(table, threads_, 1));
  b_.CreateCall(run_type, run, {run_context, piece, closure, iterations, I64(s.grain)});
}

Result<Workspace> EmitEntry(const ir::Function& function, const Target& target, const std::string& name,
                            llvm::Module* module) {
  Entry entry{function, target, *module, name, {}, {}, 0};
  for (const ir::Buffer& b : function.buffers) {
    bool shared = b.scope == ir::Scope::kWorkspace;
    bool own = b.scope == ir::Scope::kThread && BytesOf(b) > kMostOnStack;
    if (b.scope == ir::Scope::kShared)
      return Invalid(
          StrCat("codegen: '", b.name, "' lies in memory shared by a group of threads; a CPU has none"));
    int64_t* total = shared ? &entry.workspace.shared_bytes : &entry.workspace.bytes_per_worker;
    entry.workspace_at.push_back(shared || own ? *total : -1);
    if (shared || own) *total += BytesOf(b);
  }
  TS_ASSIGN_OR_RETURN(llvm::Function * body, Emitter::EmitRegion(&entry, function.body, {}, {}));
  llvm::LLVMContext& context = module->getContext();
  llvm::Type* pointer = llvm::PointerType::getUnqual(context);
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer, pointer}, false);
  auto* outer = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, *module);
  outer->setVisibility(llvm::GlobalValue::HiddenVisibility);
  outer->setDSOLocal(true);
  SetAttributes(outer, target);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", outer));
  std::vector<Value*> arguments;
  for (size_t i = 0; i < function.buffers.size(); ++i) {
    const ir::Buffer& buffer = function.buffers[i];
    if (buffer.scope == ir::Scope::kParameter) {
      arguments.push_back(b.CreateLoad(
          pointer, b.CreateConstGEP1_64(pointer, outer->getArg(0), static_cast<uint64_t>(buffer.parameter))));
    } else if (entry.workspace_at[i] >= 0) {
      // Shared buffers first; then each worker's share.
      int64_t at =
          entry.workspace_at[i] + (buffer.scope == ir::Scope::kThread ? entry.workspace.shared_bytes : 0);
      arguments.push_back(b.CreateConstGEP1_64(b.getInt8Ty(), outer->getArg(1), static_cast<uint64_t>(at)));
    }
  }
  arguments.push_back(outer->getArg(2));
  b.CreateCall(body, arguments);
  b.CreateRetVoid();
  return entry.workspace;
}

}  // namespace tunesmith::codegen
