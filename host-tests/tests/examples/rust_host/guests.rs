//! Commands that misbehave, as small as they can be.

use wasm_encoder::{
    BlockType, CodeSection, ComponentBuilder, ComponentExportKind, ComponentValType, ExportKind,
    ExportSection, Function, FunctionSection, InstructionSink, MemorySection, MemoryType, Module,
    ModuleArg, TypeSection, ValType,
};

/// A command that never ends, and asks nothing of its host.
pub(crate) fn spinning() -> Vec<u8> {
    command(|code| {
        code.loop_(BlockType::Empty).br(0).end();
        code.i32_const(0);
    })
}

/// A command that takes memory, a page at a time, and ends with 0 when it has so many
/// pages, or with 1 when it gets no more.
pub(crate) fn hungry(pages: i32) -> Vec<u8> {
    command(|code| {
        code.loop_(BlockType::Empty);
        code.i32_const(1).memory_grow(0).i32_const(-1).i32_eq();
        code.if_(BlockType::Empty).i32_const(1).return_().end();
        code.memory_size(0).i32_const(pages).i32_lt_u().br_if(0);
        code.end();
        code.i32_const(0);
    })
}

/// A component that exports `wasi:cli/run`, whose function does this.
fn command(body: impl FnOnce(&mut InstructionSink<'_>)) -> Vec<u8> {
    let mut run = ComponentBuilder::default();
    let module = run.core_module(None, &module(body));
    let nothing: [(&str, ModuleArg); 0] = [];
    let instance = run.core_instantiate(None, module, nothing);
    let core = run.core_alias_export(None, instance, "run", ExportKind::Func);
    let (result, encoder) = run.type_defined(None);
    encoder.result(None, None);
    let (function, mut encoder) = run.type_function(None);
    let no_parameters: [(&str, ComponentValType); 0] = [];
    encoder.params(no_parameters);
    encoder.result(Some(ComponentValType::Type(result)));
    let lifted = run.lift_func(None, core, function, []);
    run.export("run", ComponentExportKind::Func, lifted, None);

    // An interface is an instance.
    let mut command = ComponentBuilder::default();
    let run = command.component(None, run);
    let nothing: [(&str, ComponentExportKind, u32); 0] = [];
    let instance = command.instantiate(None, run, nothing);
    let kind = ComponentExportKind::Instance;
    command.export("wasi:cli/run@0.2.12", kind, instance, None);
    command.finish()
}

fn module(body: impl FnOnce(&mut InstructionSink<'_>)) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 0);
    let mut function = Function::new([]);
    let mut code = function.instructions();
    body(&mut code);
    code.end();
    let mut codes = CodeSection::new();
    codes.function(&function);
    let mut module = Module::new();
    module
        .section(&types)
        .section(&functions)
        .section(&memories);
    module.section(&exports).section(&codes);
    module
}
