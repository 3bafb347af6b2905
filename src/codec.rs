//! The protobuf codec of the generated services. It is tonic's own, but for one thing: bytes that are no valid
//! message are the caller's mistake, so the status says INVALID_ARGUMENT, not INTERNAL.

use std::marker::PhantomData;

use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, DecodeBuf, Decoder},
};
use tonic_prost::{ProstCodec, ProstEncoder};

use crate::error::ServeError;

/// See the module.
pub(crate) struct Codec<T, U>(PhantomData<(T, U)>);

/// Decodes messages of the type `U`.
pub(crate) struct InputDecoder<U>(PhantomData<U>);

impl<T, U> Default for Codec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> tonic::codec::Codec for Codec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = InputDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        InputDecoder(PhantomData)
    }
}

impl<U: Message + Default> Decoder for InputDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let message = U::decode(bytes).map_err(|error| ServeError::NotProtobuf(error.to_string()))?;
        Ok(Some(message))
    }
}
