//! Compiles the proto files into the generated client. No protoc is needed. The files are links to the repository's, which the
//! packed crate holds as they are.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
    let files = ["predict", "model"].map(|name| format!("{proto}/linfa/serve/v1/{name}.proto"));
    for file in &files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, [proto])?;
    // Packed values are shared by the attempts of a call, where a `Vec` would be copied.
    tonic_prost_build::configure().build_server(false).bytes(".").compile_fds(descriptors)?;
    Ok(())
}
