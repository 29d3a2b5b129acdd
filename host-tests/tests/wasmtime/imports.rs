//! The library component asks for what `wit/world.wit` lists and no more.

use host_tests::sandbox;

#[test]
fn the_library_imports_exactly_the_promised_interfaces() {
    if components::with_ring() {
        // The one promise that its README entry takes back.
        return;
    }
    let component = sandbox::library().component_type();
    let mut imports: Vec<_> = component
        .imports(sandbox::engine())
        .map(|(name, _)| name.to_owned())
        .collect();
    imports.sort();
    assert_eq!(
        imports,
        [
            "wasi:clocks/monotonic-clock@0.2.12",
            "wasi:clocks/wall-clock@0.2.12",
            "wasi:io/error@0.2.12",
            "wasi:io/poll@0.2.12",
            "wasi:io/streams@0.2.12",
            "wasi:random/random@0.2.12",
            "wasi:sockets/instance-network@0.2.12",
            "wasi:sockets/ip-name-lookup@0.2.12",
            "wasi:sockets/network@0.2.12",
            "wasi:sockets/tcp-create-socket@0.2.12",
            "wasi:sockets/tcp@0.2.12",
        ]
    );
}

#[test]
fn the_library_exports_the_client_and_its_types_only() {
    let component = sandbox::library().component_type();
    let exports: Vec<_> = component
        .exports(sandbox::engine())
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(exports, ["hl7:mllp/types@0.1.0", "hl7:mllp/client@0.1.0"]);
}

#[test]
fn the_library_is_smaller_than_it_is_allowed_to_be() {
    let file = std::fs::metadata(&sandbox::components().library);
    let size = file.expect("the component is built").len();
    assert!(size <= 1_000_000, "{size} bytes");
}
