// SPDX-License-Identifier: Apache-2.0
// Functions: the entry that callers see, the kernel's body with its pointers as arguments that do not alias,
// and two functions for each parallel loop: the piece that the threads call, and the loop's body.
#include <algorithm>

#include "codegen/llvm/emitter.h"
#include "codegen/llvm/uses.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "support/strings.h"

namespace tunesmith::codegen {
namespace {

using ir::StmtKind;
using llvm::Value;

void SetAttributes(llvm::Function* f, const Target& target) {
  f->addFnAttr(llvm::Attribute::NoUnwind);
  f->addFnAttr(llvm::Attribute::MustProgress);
  f->addFnAttr("no-builtins");
  f->addFnAttr("frame-pointer", "none");
  f->addFnAttr("target-cpu", target.cpu);
  f->addFnAttr("target-features", target.features);
  std::string bits = StrCat(target.vector_bytes * 8);
  f->addFnAttr("prefer-vector-width", bits);
  f->addFnAttr("min-legal-vector-width", bits);
}

/// The buffers that a function around the statement is given: all but those on its own stack.
std::vector<int> PassedBuffers(const Uses& uses, const Placements& placements) {
  std::vector<int> passed;
  for (size_t i = 0; i < uses.buffers.size(); ++i) {
    bool own = placements.buffers[i].home == Home::kStack && uses.allocated[i];
    if (uses.buffers[i] && !own) passed.push_back(static_cast<int>(i));
  }
  return passed;
}

/// What callers promise about a buffer's pointer.
void SetPointerAttributes(llvm::Function* f, unsigned argument, const ir::Buffer& buffer,
                          const Placement& placement) {
  bool parameter = buffer.scope == ir::Scope::kParameter;
  llvm::LLVMContext& context = f->getContext();
  f->addParamAttr(argument, llvm::Attribute::NoAlias);
  if (parameter && !buffer.written) f->addParamAttr(argument, llvm::Attribute::ReadOnly);
  auto alignment = static_cast<uint64_t>(parameter ? buffer.alignment : 64);
  f->addParamAttr(argument, llvm::Attribute::getWithAlignment(context, llvm::Align(alignment)));
  auto bytes = static_cast<uint64_t>(buffer.elements * placement.lanes * te::SizeOf(buffer.dtype));
  if (bytes > 0) f->addParamAttr(argument, llvm::Attribute::getWithDereferenceableBytes(context, bytes));
}

llvm::Function* NewFunction(Entry* entry, llvm::FunctionType* type, std::string_view role) {
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage,
                                          StrCat(entry->name, role, entry->functions++), entry->module);
  SetAttributes(function, entry->target);
  return function;
}

}  // namespace

Emitter::Emitter(Entry* entry, llvm::Function* function, const ir::Ranges& ranges)
    : entry_(entry),
      function_(function),
      b_(llvm::BasicBlock::Create(function->getContext(), "entry", function),
         llvm::InstSimplifyFolder(entry->module.getDataLayout())),
      pointers_(entry->function.buffers.size()),
      vars_(entry->function.variables.size()),
      ranges_(ranges) {
  // The numeric contract: products and sums may become multiply-adds, nothing else may change a value.
  llvm::FastMathFlags flags;
  flags.setAllowContract();
  b_.setFastMathFlags(flags);
}

Result<llvm::Function*> Emitter::EmitRegion(Entry* entry, const ir::Stmt& body,
                                            const std::vector<int>& buffers,
                                            const std::vector<int>& variables,
                                            const std::vector<const ir::StmtNode*>& parallel,
                                            const ir::Ranges& ranges) {
  llvm::LLVMContext& context = entry->module.getContext();
  llvm::Type* pointer = llvm::PointerType::getUnqual(context);
  llvm::Type* i64 = llvm::Type::getInt64Ty(context);
  std::vector<llvm::Type*> types(buffers.size() + 1, pointer);
  types.insert(types.end(), variables.size() + (parallel.empty() ? 0 : 2), i64);
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), types, false);
  llvm::Function* function = NewFunction(entry, type, "_body");
  function->addFnAttr(llvm::Attribute::NoInline);

  Emitter emitter(entry, function, ranges);
  unsigned argument = 0;
  for (int buffer : buffers) {
    SetPointerAttributes(function, argument, emitter.BufferOf(buffer), emitter.PlacementOf(buffer));
    emitter.pointers_[static_cast<size_t>(buffer)] = function->getArg(argument++);
  }
  emitter.threads_ = function->getArg(argument++);
  for (int v : variables) {
    Operand value;
    value.scalar = function->getArg(argument++);
    value.is_index = true;
    emitter.vars_[static_cast<size_t>(v)] = value;
  }
  if (parallel.empty()) {
    emitter.Emit(body);
  } else {
    emitter.parallel_ = true;
    emitter.EmitIterations(parallel, function->getArg(argument), function->getArg(argument + 1));
  }
  // Stores around the caches are not ordered before what tells other threads that the work is done.
  if (emitter.streams_) emitter.b_.CreateIntrinsic(llvm::Intrinsic::x86_sse_sfence, {}, {});
  emitter.b_.CreateRetVoid();
  if (!emitter.status_.ok()) return emitter.status_;
  return function;
}

/// The loop's body becomes a function; its arguments travel in a closure on the stack of the caller.
void Emitter::EmitParallel(const ir::StmtNode& s) {
  // Perfectly nested parallel loops are one iteration space, if the inner extents do not depend on the outer
  // loops.
  std::vector<const ir::StmtNode*> loops = {&s};
  std::vector<Value*> extents = {EmitScalar(s.extent, "the extent of a parallel loop")};
  for (const ir::StmtNode* inner = s.body[0].get();
       inner->kind == StmtKind::kFor && inner->loop == ir::LoopKind::kParallel;
       inner = inner->body[0].get()) {
    bool depends = false;
    te::Visit(inner->extent, [&](const te::Expr& e) {
      depends = depends || e->kind == te::ExprKind::kRead ||
                (e->kind == te::ExprKind::kVar &&
                 std::any_of(loops.begin(), loops.end(), [&](auto* outer) { return outer->var == e->id; }));
    });
    if (depends) break;
    loops.push_back(inner);
    extents.push_back(EmitScalar(inner->extent, "the extent of a parallel loop"));
  }
  Value* iterations = extents[0];
  Value* grain = I64(std::max<int64_t>(s.grain, 1));
  for (size_t i = 1; i < loops.size(); ++i) {
    iterations = b_.CreateNSWMul(iterations, extents[i]);
    // A grain of the outer loop counts whole inner loops; else the innermost grain that is given counts.
    Value* own = I64(std::max<int64_t>(loops[i]->grain, 1));
    bool outer_has_one = std::any_of(loops.begin(), loops.begin() + static_cast<int64_t>(i),
                                     [](auto* outer) { return outer->grain > 1; });
    grain = outer_has_one ? b_.CreateNSWMul(grain, extents[i]) : own;
  }
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(iterations); known && known->getSExtValue() <= 0)
    return;

  Uses uses(entry_->function, s);
  std::vector<int> variables = uses.FreeVariables();
  std::vector<int> buffers = PassedBuffers(uses, entry_->placements);
  for (const ir::StmtNode* loop : loops) SetRange(loop->var, loop->begin, loop->extent);
  Result<llvm::Function*> body =
      EmitRegion(entry_, loops.back()->body[0], buffers, variables, loops, ranges_);
  for (const ir::StmtNode* loop : loops) ranges_.Erase(loop->var);
  if (!body.ok()) return Fail(body.status());

  llvm::Type* pointer = b_.getPtrTy();
  std::vector<llvm::Type*> fields;
  std::vector<Value*> values;
  for (int buffer : buffers) values.push_back(pointers_[static_cast<size_t>(buffer)]);
  values.push_back(threads_);
  fields.assign(values.size(), pointer);
  for (int v : variables) values.push_back(Scalar(vars_[static_cast<size_t>(v)]));
  fields.resize(values.size(), b_.getInt64Ty());
  auto* closure_type = llvm::StructType::get(b_.getContext(), fields);
  llvm::IRBuilder<> at_entry(&function_->getEntryBlock(), function_->getEntryBlock().begin());
  Value* closure = at_entry.CreateAlloca(closure_type);
  for (unsigned i = 0; i < values.size(); ++i)
    b_.CreateStore(values[i], b_.CreateStructGEP(closure_type, closure, i));

  // void piece(void* closure, int64_t first, int64_t last, int32_t worker)
  auto* piece_type = llvm::FunctionType::get(
      b_.getVoidTy(), {pointer, b_.getInt64Ty(), b_.getInt64Ty(), b_.getInt32Ty()}, false);
  llvm::Function* piece = NewFunction(entry_, piece_type, "_piece");
  llvm::IRBuilder<> p(llvm::BasicBlock::Create(b_.getContext(), "entry", piece));
  Value* share =
      p.CreateMul(p.CreateSExt(piece->getArg(3), p.getInt64Ty()),
                  p.getInt64(static_cast<uint64_t>(entry_->placements.workspace.bytes_per_worker)));
  std::vector<Value*> arguments;
  for (unsigned i = 0; i < fields.size(); ++i) {
    Value* field = p.CreateLoad(fields[i], p.CreateStructGEP(closure_type, piece->getArg(0), i));
    if (i < buffers.size() && PlacementOf(buffers[i]).home == Home::kWorker &&
        uses.allocated[static_cast<size_t>(buffers[i])]) {
      field = p.CreateGEP(p.getInt8Ty(), field, share);
    }
    arguments.push_back(field);
  }
  arguments.push_back(piece->getArg(1));
  arguments.push_back(piece->getArg(2));
  p.CreateCall(*body, arguments);
  p.CreateRetVoid();

  // threads->run(threads->context, piece, closure, iterations, grain)
  auto* table = llvm::StructType::get(b_.getContext(), {pointer, pointer, b_.getInt32Ty()});
  auto* run_type = llvm::FunctionType::get(
      b_.getVoidTy(), {pointer, pointer, pointer, b_.getInt64Ty(), b_.getInt64Ty()}, false);
  auto call = [&] {
    Value* run = b_.CreateLoad(pointer, b_.CreateStructGEP(table, threads_, 0));
    Value* context = b_.CreateLoad(pointer, b_.CreateStructGEP(table, threads_, 1));
    llvm::CallInst* made = b_.CreateCall(run_type, run, {context, piece, closure, iterations, grain});
    made->setDoesNotThrow();
  };
  if (llvm::isa<llvm::ConstantInt>(iterations)) return call();
  Branch(b_.CreateICmpSGT(iterations, I64(0)), call);
}

Result<Workspace> EmitEntry(const ir::Function& function, const Target& target, const std::string& name,
                            llvm::Module* module) {
  TS_ASSIGN_OR_RETURN(Placements placements, Place(function));
  Entry entry{function, target, *module, name, std::move(placements)};
  std::vector<int> buffers = PassedBuffers(Uses(function, *function.body), entry.placements);
  TS_ASSIGN_OR_RETURN(llvm::Function * body,
                      Emitter::EmitRegion(&entry, function.body, buffers, {}, {}, ir::Ranges()));

  llvm::LLVMContext& context = module->getContext();
  llvm::Type* pointer = llvm::PointerType::getUnqual(context);
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer, pointer}, false);
  auto* outer = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, *module);
  outer->setVisibility(llvm::GlobalValue::HiddenVisibility);
  outer->setDSOLocal(true);
  SetAttributes(outer, target);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", outer));
  std::vector<Value*> arguments;
  for (int id : buffers) {
    const Placement& placement = entry.placements.buffers[static_cast<size_t>(id)];
    if (placement.home == Home::kArgument) {
      auto parameter = static_cast<uint64_t>(function.buffers[static_cast<size_t>(id)].parameter);
      arguments.push_back(b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, outer->getArg(0), parameter)));
    } else {
      int64_t shared = placement.home == Home::kWorker ? entry.placements.workspace.shared_bytes : 0;
      arguments.push_back(b.CreateConstGEP1_64(b.getInt8Ty(), outer->getArg(1),
                                               static_cast<uint64_t>(placement.offset + shared)));
    }
  }
  arguments.push_back(outer->getArg(2));
  b.CreateCall(body, arguments);
  b.CreateRetVoid();
  return entry.placements.workspace;
}

}  // namespace tunesmith::codegen
