//! Compiles the proto files into the generated server and the descriptors that reflection answers from. No protoc
//! is needed.

use prost::Message as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors =
        protox::compile(["linfa/serve/v1/predict.proto", "linfa/serve/v1/model.proto"], ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    fs_err::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_client(false)
        // Packed values are taken out of the message's own buffer.
        .bytes(".")
        // Ours says INVALID_ARGUMENT to bytes that are no message; tonic's says INTERNAL.
        .codec_path("crate::codec::Codec")
        .compile_fds(descriptors)?;
    Ok(())
}
