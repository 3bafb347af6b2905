//! New connections: accepted at a bounded rate and number, and only handed on once they speak. hyper would
//! wait for ever for a peer that says nothing, and tonic spins where the process has no file descriptors left.

use std::{
    io,
    net::SocketAddr,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::transport::server::{Connected, TcpConnectInfo};

use crate::limits::Limits;

/// What every HTTP/2 client says first (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose peer speaks HTTP/2, or HTTP/1.1 where that is spoken.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// How it began.
    said: [u8; PREFACE.len()],
    /// What of that, which we have read already, is to be read again.
    unread: Range<usize>,
    /// Counts as one connection until it is dropped.
    _counted: OwnedSemaphorePermit,
}

/// Accepts until the stream is dropped. What is not HTTP/2 is closed, unless HTTP/1.1 is spoken too.
pub(crate) fn accept(
    listener: TcpListener,
    limits: &Limits,
    speaks_http1: bool,
) -> impl Stream<Item = io::Result<Connection>> + use<> {
    let (ready, connections) = mpsc::channel(16);
    let free = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let patience = Duration::from_secs(limits.handshake_seconds);
    tokio::spawn(async move {
        let mut pause = Pause::default();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = ready.closed() => return,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    pause.after(&error).await;
                    continue;
                }
            };
            pause = Pause::default();
            let Ok(counted) = Arc::clone(&free).try_acquire_owned() else {
                tracing::debug!(%peer, "closed: as many connections as there may be");
                continue;
            };
            let ready = ready.clone();
            tokio::spawn(async move {
                match timeout(patience, greet(stream, counted, speaks_http1)).await {
                    Ok(Ok(connection)) => {
                        let _ = ready.send(Ok(connection)).await;
                    }
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "closed: does not speak HTTP/2"),
                    Err(_) => tracing::debug!(%peer, "closed: says nothing"),
                }
            });
        }
    });
    ReceiverStream::new(connections)
}

async fn greet(
    mut stream: TcpStream,
    counted: OwnedSemaphorePermit,
    speaks_http1: bool,
) -> io::Result<Connection> {
    stream.set_nodelay(true)?;
    let (mut said, mut length) = ([0; PREFACE.len()], 0);
    // No further than it takes to tell: a request of HTTP/1.1 may be shorter than the preface.
    while length < said.len() && PREFACE.starts_with(&said[..length]) {
        length += match stream.read(&mut said[length..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => read,
        };
    }
    if said != *PREFACE && !speaks_http1 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(Connection { stream, said, unread: 0..length, _counted: counted })
}

/// Grows while accepting fails, as without file descriptors it does at once and again.
#[derive(Default)]
struct Pause(Duration);

impl Pause {
    async fn after(&mut self, error: &io::Error) {
        // The peer gave up while it waited; the next one may be fine.
        if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            return;
        }
        if self.0.is_zero() {
            tracing::warn!(%error, "cannot accept connections");
        }
        self.0 = (self.0 * 2).clamp(Duration::from_millis(10), Duration::from_secs(1));
        #[expect(clippy::disallowed_methods, reason = "nothing announces that a descriptor is free again")]
        tokio::time::sleep(self.0).await;
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        let address = |address: io::Result<SocketAddr>| address.ok();
        TcpConnectInfo {
            local_addr: address(self.stream.local_addr()),
            remote_addr: address(self.stream.peer_addr()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.said[self.unread.clone()];
        if rest.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let taken = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..taken]);
        self.unread.start += taken;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
