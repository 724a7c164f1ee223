//! From a socket to the router: listeners, connections with deadlines, and what every request goes through.

mod accept;
mod conn;
mod front;
mod listen;
mod pulse;
mod tls;

pub(crate) use accept::{Acceptor, Connections};
pub(crate) use conn::Timeouts;
pub(crate) use front::{AdminToken, Door, Front, RouteEntry};
pub(crate) use listen::{Listener, bind};
pub(crate) use pulse::{BodyFault, Pulse};
pub(crate) use tls::server_config;
