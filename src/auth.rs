//! Who is at the door. Runs on a call's headers, before a byte of its body is read. What a key may do with one
//! particular model is asked again once the request is decoded.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, header::AUTHORIZATION};
use jiff::Timestamp;

use crate::{
    call::{Call, is_open},
    error::ServeError,
    keys::{Caller, KeyRing},
    status::refuse,
};

/// Lets a call with a good key through, with its [`Caller`] in the extensions; answers any other itself.
pub(crate) async fn authenticate(State(keys): State<KeyRing>, mut request: Request, next: Next) -> Response {
    if is_open(request.uri().path()) {
        return next.run(request).await;
    }
    match caller(&keys, request.headers()).and_then(|caller| allowed(request.uri().path(), caller)) {
        Ok(caller) => {
            if let Some(call) = request.extensions().get::<Call>() {
                call.note(|fields| fields.key = Some(caller.id.clone()));
            }
            // From here on nothing can log it.
            if let Some(header) = request.headers_mut().get_mut(AUTHORIZATION) {
                header.set_sensitive(true);
            }
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => refuse(error),
    }
}

fn caller(keys: &KeyRing, headers: &HeaderMap) -> Result<Caller, ServeError> {
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
    keys.load().caller(key, Timestamp::now()).ok_or(ServeError::Unauthenticated)
}

fn allowed(path: &str, caller: Caller) -> Result<Caller, ServeError> {
    let lacks = |scope: &str| Err(ServeError::Forbidden { scope: scope.to_owned() });
    match path {
        path if path.starts_with("/linfa.serve.v1.PredictService/") && !caller.may_predict_something() => {
            lacks("predict:NAME")
        }
        path if path.starts_with("/linfa.serve.v1.ModelService/") && !caller.may_read_models() => {
            lacks("models:read")
        }
        _ => Ok(caller),
    }
}
