// SPDX-License-Identifier: Apache-2.0
#include "library/tables.h"

#include <algorithm>

#include "codegen/llvm/machine_code.h"
#include "codegen/runtime/tunesmith_library.h"
#include "library/names.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"
#include "support/strings.h"

namespace tunesmith::library {
namespace {

using llvm::Constant;

/// Writes constants laid out as C's structures of codegen/runtime/tunesmith_library.h.
class Tables {
 public:
  Tables(llvm::Module* module, const std::string& prefix)
      : module_(*module), context_(module->getContext()), prefix_(prefix) {}

  Status Emit(const Library& library, const std::vector<NamedKernel>& kernels) {
    std::vector<Constant*> entries;
    for (const NamedKernel& kernel : kernels) {
      TS_ASSIGN_OR_RETURN(Constant * entry, KernelTable(library, kernel));
      entries.push_back(entry);
    }
    TS_ASSIGN_OR_RETURN(Constant * all, Array(entries, sizeof(tunesmith_kernel)));
    auto* table = llvm::cast<llvm::GlobalVariable>(all);
    for (size_t n = 0; n < kernels.size(); ++n) {
      Constant* kernel = llvm::ConstantExpr::getInBoundsGetElementPtr(
          table->getValueType(), table, llvm::ArrayRef<Constant*>{I64(0), I64(static_cast<int64_t>(n))});
      EmitFunctions(kernels[n], kernel);
    }
    Constant* described =
        llvm::ConstantStruct::getAnon({Text(library.name), I64(static_cast<int64_t>(kernels.size())), all});
    llvm::IRBuilder<> b(context_);
    Define("library", b.getPtrTy(), {}, &b);
    b.CreateRet(Global(described));
    return absl::OkStatus();
  }

 private:
  Constant* I32(int64_t value) {
    return llvm::ConstantInt::getSigned(llvm::Type::getInt32Ty(context_), value);
  }
  Constant* I64(int64_t value) {
    return llvm::ConstantInt::getSigned(llvm::Type::getInt64Ty(context_), value);
  }
  llvm::PointerType* Pointer() { return llvm::PointerType::getUnqual(context_); }
  Constant* Null() { return llvm::ConstantPointerNull::get(Pointer()); }

  llvm::GlobalVariable* Global(Constant* value) {
    return new llvm::GlobalVariable(module_, value->getType(), true, llvm::GlobalValue::PrivateLinkage,
                                    value);
  }
  Constant* Text(const std::string& text) {
    return Global(llvm::ConstantDataArray::getString(context_, text));
  }
  /// A pointer to elements that C takes to have `bytes` each; null if there are none.
  Result<Constant*> Array(const std::vector<Constant*>& elements, size_t bytes) {
    if (elements.empty()) return Null();
    llvm::Type* type = elements[0]->getType();
    if (module_.getDataLayout().getTypeAllocSize(type) != bytes)
      return Internal("the tables of a library are not laid out as its header says");
    return Global(llvm::ConstantArray::get(llvm::ArrayType::get(type, elements.size()), elements));
  }
  Result<Constant*> Integers(const std::vector<int64_t>& values) {
    std::vector<Constant*> elements;
    for (int64_t value : values) elements.push_back(I64(value));
    return Array(elements, sizeof(int64_t));
  }
  /// A function that another object defines; hidden, as all of them are linked into one library.
  llvm::Function* Declare(const std::string& name, llvm::FunctionType* type) {
    if (llvm::Function* known = module_.getFunction(name)) return known;
    auto* function = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module_);
    function->setDSOLocal(true);
    return function;
  }

  Result<Constant*> Sources(const std::vector<Source>& sources) {
    std::vector<Constant*> elements;
    for (const Source& source : sources) {
      elements.push_back(
          llvm::ConstantStruct::getAnon({I32(source.parameter), I32(source.packed), I64(source.offset)}));
    }
    return Array(elements, sizeof(tunesmith_source));
  }

  Result<Constant*> ParameterTable(const NamedKernel& kernel) {
    std::vector<Constant*> elements;
    for (size_t n = 0; n < kernel.parameters.size(); ++n) {
      const te::Tensor& t = kernel.parameters[n];
      int32_t role = t.role == te::Role::kWeight   ? TUNESMITH_WEIGHT
                     : t.role == te::Role::kOutput ? TUNESMITH_OUTPUT
                                                   : TUNESMITH_INPUT;
      TS_ASSIGN_OR_RETURN(Constant * shape, Integers(t.shape));
      elements.push_back(llvm::ConstantStruct::getAnon(
          {Text(t.name), I32(role), I32(static_cast<int32_t>(t.dtype)), I32(te::SizeOf(t.dtype)),
           I32(static_cast<int64_t>(t.shape.size())), shape, I64(t.elements() * te::SizeOf(t.dtype))}));
    }
    return Array(elements, sizeof(tunesmith_parameter));
  }

  Result<Constant*> VariantTable(const Variant& variant, const Packing& packing, const std::string& code) {
    auto* type =
        llvm::FunctionType::get(llvm::Type::getVoidTy(context_), {Pointer(), Pointer(), Pointer()}, false);
    Constant* pack = packing.pack.empty() ? Null() : Declare(code + "_pack", type);
    TS_ASSIGN_OR_RETURN(int32_t extensions, ExtensionsOf(variant.target));
    TS_ASSIGN_OR_RETURN(Constant * main_sources, Sources(packing.main));
    TS_ASSIGN_OR_RETURN(Constant * pack_sources, Sources(packing.pack));
    const codegen::Workspace &main = variant.object.main_workspace, &other = variant.object.pack_workspace;
    double ns = variant.record ? variant.record->outcome.median_ns : 0;
    return llvm::ConstantStruct::getAnon(
        {Text(variant.target.name), llvm::ConstantFP::get(llvm::Type::getDoubleTy(context_), ns),
         I32(extensions), I32(static_cast<int64_t>(packing.pack.size())), Declare(code + "_main", type), pack,
         main_sources, pack_sources, I64(std::max(main.shared_bytes, other.shared_bytes)),
         I64(std::max(main.bytes_per_worker, other.bytes_per_worker)), I64(packing.bytes),
         llvm::ConstantDataArray::get(context_,
                                      llvm::ArrayRef<uint64_t>{packing.layout.high, packing.layout.low})});
  }

  Result<Constant*> KernelTable(const Library& library, const NamedKernel& kernel) {
    std::vector<Constant*> variants;
    for (size_t n = 0; n < kernel.packings.size(); ++n) {
      TS_ASSIGN_OR_RETURN(Constant * variant,
                          VariantTable(kernel.kernel->variants[n], kernel.packings[n], kernel.code[n]));
      variants.push_back(variant);
    }
    TS_ASSIGN_OR_RETURN(Constant * parameters, ParameterTable(kernel));
    TS_ASSIGN_OR_RETURN(Constant * all, Array(variants, sizeof(tunesmith_variant)));
    return llvm::ConstantStruct::getAnon({Text(kernel.name),
                                          I32(static_cast<int64_t>(kernel.parameters.size())),
                                          I32(static_cast<int64_t>(variants.size())),
                                          I32(static_cast<int64_t>(kernel.CountOf(te::Role::kWeight))),
                                          I32(library.scenario.threads), parameters, all});
  }

  /// A function that users see; the builder stands in its body.
  llvm::Function* Define(const std::string& name, llvm::Type* result, const std::vector<llvm::Type*>& types,
                         llvm::IRBuilder<>* b) {
    auto* type = llvm::FunctionType::get(result, types, false);
    auto* function =
        llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, prefix_ + name, module_);
    function->setDSOLocal(true);
    function->addFnAttr(llvm::Attribute::NoUnwind);
    b->SetInsertPoint(llvm::BasicBlock::Create(context_, "entry", function));
    return function;
  }

  /// int PREFIX_KERNEL(tensors…, packed, workspace, bytes, threads) hands an array of its tensors to
  /// PREFIX_run, and PREFIX_KERNEL_pack to PREFIX_pack.
  void EmitFunctions(const NamedKernel& kernel, Constant* description) {
    llvm::IRBuilder<> b(context_);
    llvm::Type *pointer = b.getPtrTy(), *i32 = b.getInt32Ty(), *i64 = b.getInt64Ty();
    const size_t inputs = kernel.CountOf(te::Role::kInput), outputs = kernel.CountOf(te::Role::kOutput);
    const size_t weights = kernel.CountOf(te::Role::kWeight);
    auto array_of = [&](const std::vector<llvm::Value*>& values) {
      auto* type = llvm::ArrayType::get(pointer, std::max<size_t>(values.size(), 1));
      llvm::Value* array = b.CreateAlloca(type);
      for (size_t n = 0; n < values.size(); ++n)
        b.CreateStore(values[n], b.CreateConstGEP2_64(type, array, 0, n));
      return array;
    };

    std::vector<llvm::Type*> types(inputs + (weights > 0) + outputs + 1, pointer);  // … and the workspace
    types.insert(types.end(), {i64, pointer});
    llvm::Function* run = Define(kernel.name, i32, types, &b);
    std::vector<llvm::Value*> tensors;
    llvm::Value* packed = Null();
    unsigned argument = 0;
    for (; argument < inputs; ++argument) tensors.push_back(run->getArg(argument));
    if (weights > 0) packed = run->getArg(argument++);
    for (size_t n = 0; n < outputs; ++n) tensors.push_back(run->getArg(argument++));
    llvm::Function* general =
        Declare(prefix_ + "run",
                llvm::FunctionType::get(i32, {pointer, pointer, pointer, pointer, i64, pointer}, false));
    b.CreateRet(b.CreateCall(general, {description, array_of(tensors), packed, run->getArg(argument),
                                       run->getArg(argument + 1), run->getArg(argument + 2)}));

    llvm::Function* workspace = Define(kernel.name + "_workspace_bytes", i64, {i32}, &b);
    general = Declare(prefix_ + "workspace_bytes", llvm::FunctionType::get(i64, {pointer, i32}, false));
    b.CreateRet(b.CreateCall(general, {description, workspace->getArg(0)}));

    Define(kernel.name + "_kernel", pointer, {}, &b);
    b.CreateRet(description);
    if (weights == 0) return;

    types.assign(weights + 1, pointer);
    types.insert(types.end(), {i64, pointer, i64, pointer});
    llvm::Function* pack = Define(kernel.name + "_pack", i32, types, &b);
    tensors.clear();
    for (argument = 0; argument < weights; ++argument) tensors.push_back(pack->getArg(argument));
    std::vector<llvm::Value*> arguments = {description, array_of(tensors)};
    for (; argument < types.size(); ++argument) arguments.push_back(pack->getArg(argument));
    general =
        Declare(prefix_ + "pack",
                llvm::FunctionType::get(i32, {pointer, pointer, pointer, i64, pointer, i64, pointer}, false));
    b.CreateRet(b.CreateCall(general, arguments));

    Define(kernel.name + "_packed_bytes", i64, {}, &b);
    general = Declare(prefix_ + "packed_bytes", llvm::FunctionType::get(i64, {pointer}, false));
    b.CreateRet(b.CreateCall(general, {description}));
  }

  llvm::Module& module_;
  llvm::LLVMContext& context_;
  std::string prefix_;
};

}  // namespace

size_t NamedKernel::CountOf(te::Role role) const {
  auto count = std::count_if(parameters.begin(), parameters.end(),
                             [&](const te::Tensor& t) { return t.role == role; });
  return static_cast<size_t>(count);
}

Result<int32_t> ExtensionsOf(const codegen::Target& target) {
  int32_t extensions = TUNESMITH_X86_64_V2;
  if (target.cpu == "x86-64-v3") extensions |= TUNESMITH_X86_64_V3;
  if (target.cpu == "x86-64-v4") extensions |= TUNESMITH_X86_64_V3 | TUNESMITH_X86_64_V4;
  if (target.cpu != "x86-64-v2" && extensions == TUNESMITH_X86_64_V2)
    return Invalid(
        StrCat("a library cannot hold code for ", target.name, ": it cannot tell which processors run it"));
  if (target.HasDot(codegen::kVnniDot)) extensions |= TUNESMITH_AVX512_VNNI;
  if (target.HasDot(codegen::kBf16Dot)) extensions |= TUNESMITH_AVX512_BF16;
  return extensions;
}

Result<std::string> EmitTables(const std::string& prefix, const Library& library,
                               const std::vector<NamedKernel>& kernels) {
  // For every processor that x86-64 code runs on: this code decides which kernels do.
  TS_ASSIGN_OR_RETURN(codegen::Target target, codegen::TargetNamed("x86-64-sse4.2"));
  target.cpu = "x86-64";
  TS_ASSIGN_OR_RETURN(std::unique_ptr<llvm::TargetMachine> machine, codegen::MachineFor(target));
  llvm::LLVMContext context;
  llvm::Module module(library.name, context);
  module.setTargetTriple(target.triple);
  module.setDataLayout(machine->createDataLayout());
  module.setPICLevel(llvm::PICLevel::SmallPIC);
  TS_RETURN_IF_ERROR(Tables(&module, prefix).Emit(library, kernels));
  std::string error;
  llvm::raw_string_ostream stream(error);
  if (llvm::verifyModule(module, &stream)) return Internal(StrCat("the tables are invalid LLVM IR: ", error));
  llvm::SmallVector<char, 0> object;
  TS_RETURN_IF_ERROR(codegen::Generate(&module, machine.get(), false, &object));
  return std::string(object.begin(), object.end());
}

std::vector<std::string> ExportedNames(const std::string& prefix, const std::vector<NamedKernel>& kernels) {
  std::vector<std::string> names;
  for (std::string_view common : kCommonFunctions) names.push_back(StrCat(prefix, common));
  for (const NamedKernel& kernel : kernels) {
    names.push_back(StrCat(prefix, kernel.name));
    names.push_back(StrCat(prefix, kernel.name, "_kernel"));
    names.push_back(StrCat(prefix, kernel.name, "_workspace_bytes"));
    if (!kernel.weights()) continue;
    names.push_back(StrCat(prefix, kernel.name, "_pack"));
    names.push_back(StrCat(prefix, kernel.name, "_packed_bytes"));
  }
  return names;
}

}  // namespace tunesmith::library
