//! What a component without `std` must bring along: an allocator, a panic
//! handler, and the function through which the host asks for memory. The only
//! `unsafe` of the project beside the generated bindings and what calls them.

#![allow(unsafe_code)]

use alloc::alloc::{alloc, handle_alloc_error, realloc};
use core::alloc::Layout;

// The target's libc, which rustc links only for `std`: it has `memcmp` and its
// kin, which compiled code calls.
#[link(name = "c")]
unsafe extern "C" {}

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// Traps. The message is not printed: there is nowhere to print it to, and a
/// panic is a defect of this crate whatever it says.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// The canonical ABI's allocation function (component model, `CanonicalABI`,
/// `realloc`).
///
/// # Safety
/// The host passes either zeros for a new block, or a block that this function
/// returned with the size and alignment it was asked for.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_size: usize,
    align: usize,
    new_size: usize,
) -> *mut u8 {
    if new_size == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    let (Ok(old_layout), Ok(layout)) = (
        Layout::from_size_align(old_size, align),
        Layout::from_size_align(new_size, align),
    ) else {
        core::arch::wasm32::unreachable()
    };
    // SAFETY: `new_size` is not zero; by the contract above `old` is a block of
    // `old_layout` if `old_size` is not zero.
    let block = unsafe {
        if old_size == 0 {
            alloc(layout)
        } else {
            realloc(old, old_layout, new_size)
        }
    };
    if block.is_null() {
        handle_alloc_error(layout)
    }
    block
}
