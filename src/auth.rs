//! Who is at the door. Asks a call's headers alone, before a byte of its body is read. What a key may do with one
//! particular model is asked again once the request is decoded.

use http::{HeaderMap, header::AUTHORIZATION};
use jiff::Timestamp;

use crate::{
    call::service,
    error::ServeError,
    keys::{Caller, Keys},
    pb::{model_service_server, predict_service_server},
};

/// Whose key the headers carry, if it may call `path` at all.
pub(crate) fn caller(keys: &Keys, path: &str, headers: &HeaderMap) -> Result<Caller, ServeError> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    // Of two headers, another party might see the other one.
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(ServeError::Unauthenticated);
    };
    let (scheme, key) =
        header.as_bytes().split_at_checked("Bearer ".len()).ok_or(ServeError::Unauthenticated)?;
    if !scheme.eq_ignore_ascii_case(b"Bearer ") {
        return Err(ServeError::Unauthenticated);
    }
    let caller = keys.caller(key, Timestamp::now()).ok_or(ServeError::Unauthenticated)?;
    let lacks = |scope: &str| Err(ServeError::Forbidden { scope: scope.to_owned() });
    match service(path) {
        predict_service_server::SERVICE_NAME if !caller.may_predict_something() => lacks("predict:NAME"),
        model_service_server::SERVICE_NAME if !caller.may_read_models() => lacks("models:read"),
        _ => Ok(caller),
    }
}
