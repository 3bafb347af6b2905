//! Compiles the proto files into the generated server and the descriptors that reflection answers from. No protoc
//! is needed.

use prost::Message as _;
use prost_types::{FileDescriptorSet, field_descriptor_proto::Type};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=proto");
    let mut descriptors =
        protox::compile(["linfa/serve/v1/predict.proto", "linfa/serve/v1/model.proto"], ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    fs_err::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    share_class_names(&mut descriptors);
    tonic_prost_build::configure()
        .build_client(false)
        // Packed values are taken out of the message's own buffer.
        .bytes(".")
        // Ours says INVALID_ARGUMENT to bytes that are no message; tonic's says INTERNAL.
        .codec_path("crate::codec::Codec")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Lets every row of every answer share its class name, where a `String` would be copied. The wire does not tell bytes
/// from a string, and the names come from a manifest, which is UTF-8.
fn share_class_names(descriptors: &mut FileDescriptorSet) {
    let messages = descriptors.file.iter_mut().flat_map(|file| &mut file.message_type);
    for field in
        messages.filter(|message| message.name() == "Classification").flat_map(|message| &mut message.field)
    {
        if field.r#type() == Type::String {
            field.set_type(Type::Bytes);
        }
    }
}
