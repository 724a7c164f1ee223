//! Sockets that listen.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};

use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::StartError;
use crate::request::Peer;

/// Connections that wait to be accepted; the kernel cuts it to its own limit.
const BACKLOG: i32 = 4_096;

/// A socket that listens.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, Option<SocketFile>),
}

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Path of a Unix socket, removed when it is dropped if it is still ours.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: Option<(u64, u64)>,
}

/// Listens on `address`, which the setting `key` gave.
pub(crate) fn bind(address: SocketAddr, reuse_port: bool, key: &'static str) -> Result<Listener, StartError> {
    let listen = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(reuse_port)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    };
    listen().map(Listener::Tcp).map_err(|error| StartError::listen(address, key, error))
}

impl Listener {
    /// Listens at `path`. A file that nobody listens at any more is replaced; one of a living service only with
    /// `take_over`.
    pub(crate) fn unix(path: &Path, take_over: bool) -> Result<Self, StartError> {
        let listen = || {
            if !take_over && StdUnixStream::connect(path).is_ok() {
                return Err(io::Error::from(io::ErrorKind::AddrInUse));
            }
            // Bound beside it and moved over it: at no moment is there nothing at the path.
            let mut beside = path.as_os_str().to_owned();
            beside.push(format!(".{}", std::process::id()));
            let _ = fs::remove_file(&beside);
            let listener = UnixListener::bind(&beside)?;
            fs::rename(&beside, path)?;
            Ok(Self::Unix(listener, Some(SocketFile { path: path.to_owned(), inode: inode(path) })))
        };
        listen().map_err(|error| StartError::listen(path.display(), "server.unix", error))
    }

    /// The actual address, if it is one of TCP.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Else small responses wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Peer::Tcp(peer)))
            }
            Self::Unix(listener, _) => Ok((Stream::Unix(listener.accept().await?.0), Peer::Unix)),
        }
    }
}

/// The end of a listener. To close one resets what the kernel has accepted for it and nobody took. So first nothing new
/// may come, then what is there is taken, and then it is closed.
impl Listener {
    /// Lets no new connection begin; those of TCP that have begun are still made. A client that tries gets no answer,
    /// and a second later, when it tries again, finds the port closed or another instance there.
    pub(crate) fn refuse_new(&mut self) {
        match self {
            Self::Tcp(listener) => {
                #[cfg(target_os = "linux")]
                {
                    // Byte 13 of a TCP header holds the flags, of which 2 is SYN: of such a packet nothing is kept.
                    const LOAD_BYTE: u16 = 0x30;
                    const JUMP_IF_ANY: u16 = 0x45;
                    const RETURN: u16 = 0x06;
                    let filter = [
                        SockFilter::new(LOAD_BYTE, 0, 0, 13),
                        SockFilter::new(JUMP_IF_ANY, 0, 1, 2),
                        SockFilter::new(RETURN, 0, 0, 0),
                        SockFilter::new(RETURN, 0, 0, u32::MAX),
                    ];
                    // Where it may not be set, some microseconds are left in which a connection can be lost.
                    let _ = SockRef::from(&*listener).attach_filter(&filter);
                }
            }
            // Without its file it can't be found.
            Self::Unix(_, file) => drop(file.take()),
        }
    }

    /// What is there to be taken, asked of the kernel and not of the runtime, which learns of it later.
    pub(crate) fn take_rest(&self) -> Option<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (socket, peer) = SockRef::from(listener).accept().ok()?;
                socket.set_nonblocking(true).ok()?;
                Some((Stream::Tcp(TcpStream::from_std(socket.into()).ok()?), Peer::Tcp(peer.as_socket()?)))
            }
            Self::Unix(listener, _) => {
                let (socket, _) = SockRef::from(listener).accept().ok()?;
                socket.set_nonblocking(true).ok()?;
                Some((Stream::Unix(UnixStream::from_std(socket.into()).ok()?), Peer::Unix))
            }
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another instance may have taken over.
        if self.inode.is_some() && inode(&self.path) == self.inode {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}
