//! What a component without `std` brings along. `std` would bring imports for
//! files, environment and standard streams, which every host would have to give.

#![allow(unsafe_code)]

use alloc::alloc::{alloc, handle_alloc_error, realloc};
use core::alloc::Layout;

// The target's libc, for `memcpy` and its kin.
#[link(name = "c")]
unsafe extern "C" {}

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// Where the other side of a call gets memory for what it hands over.
///
/// # Safety
/// `old` is a block of this function, of `old_size` bytes, or both are zero.
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
