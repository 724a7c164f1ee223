//! What the plane adds to a request: its id and its peer; and JSON bodies that fail with problems.

mod bearer;
mod id;
mod json;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

pub use bearer::Bearer;
pub(crate) use id::HEADER;
pub use id::RequestId;
pub use json::{Json, is_json, read_json};

/// Who is at the other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A TCP client.
    Tcp(SocketAddr),
    /// A client of the Unix socket.
    Unix,
}

impl Peer {
    /// Whom rates are kept for: an IPv4 address, the /64 of an IPv6 address, or all of the Unix socket as one.
    pub(crate) fn client(&self) -> IpAddr {
        match self {
            Self::Unix => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            Self::Tcp(address) => match address.ip().to_canonical() {
                IpAddr::V4(address) => IpAddr::V4(address),
                IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & !u128::from(u64::MAX))),
            },
        }
    }
}

/// What is known of a request before its handler runs. Handlers take it as an argument.
#[derive(Debug, Clone, Copy)]
pub struct RequestInfo {
    /// The id that its response carries as `x-request-id`, to be handed on to other services.
    pub id: RequestId,
    /// Who sent it.
    pub peer: Peer,
}

impl<S: Sync> FromRequestParts<S> for RequestInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Always there behind a listener; a router that is called directly has none.
        let info = parts.extensions.get::<Self>().copied();
        Ok(info.unwrap_or_else(|| Self { id: RequestId::of(&parts.headers), peer: Peer::Unix }))
    }
}
