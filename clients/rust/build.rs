//! Compiles the proto files of the repository into the generated client. No protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    println!("cargo::rerun-if-changed={proto}");
    let files = ["linfa/serve/v1/predict.proto", "linfa/serve/v1/model.proto"];
    let descriptors = protox::compile(files, [proto])?;
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    Ok(())
}
