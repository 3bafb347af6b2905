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
    share_texts(&mut descriptors);
    tonic_prost_build::configure()
        .build_client(false)
        // Packed values are taken out of the message's own buffer.
        .bytes(".")
        // Ours says INVALID_ARGUMENT to bytes that are no message; tonic's says INTERNAL.
        .codec_path("crate::codec::Codec")
        .compile_fds(descriptors)?;
    Ok(())
}

/// Lets all answers share the model's name, its digest and those of its classes, where a `String` would be copied. The
/// wire does not tell bytes from a string, and all of them come from text.
fn share_texts(descriptors: &mut FileDescriptorSet) {
    let messages = descriptors.file.iter_mut().flat_map(|file| &mut file.message_type);
    let shared = messages.filter(|message| matches!(message.name(), "Classification" | "ModelRef"));
    for field in shared.flat_map(|message| &mut message.field) {
        if field.r#type() == Type::String {
            field.set_type(Type::Bytes);
        }
    }
}
