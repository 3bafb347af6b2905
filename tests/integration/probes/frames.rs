//! HTTP/2 frames by hand (RFC 9113), so that a peer can say what no library would, and an ear for what comes back.

use std::{collections::BTreeMap, future::pending, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::harness::PATIENCE;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

pub(super) const REFUSED_STREAM: u32 = 7;
pub(super) const CANCEL: u32 = 8;
pub(super) const ENHANCE_YOUR_CALM: u32 = 11;

/// The last thing that is said. A server answers frames in order, so that whoever hears this back was heard.
const LAST: &[u8; 8] = b"the last";

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A client's `n`th stream.
pub(super) fn stream(n: u32) -> u32 {
    2 * n + 1
}

/// Header fields as HPACK writes them most simply: literally, new, unindexed (RFC 7541, section 6.2.2).
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        text(name, &mut block);
        text(value, &mut block);
    }
    block
}

fn text(text: &str, block: &mut Vec<u8>) {
    let length = text.len();
    if length < 127 {
        block.push(u8::try_from(length).unwrap());
    } else {
        block.push(127);
        let mut rest = length - 127;
        while rest >= 128 {
            block.push(u8::try_from(rest % 128).unwrap() | 128);
            rest /= 128;
        }
        block.push(u8::try_from(rest).unwrap());
    }
    block.extend(text.as_bytes());
}

/// The headers of a gRPC call, and more.
pub(super) fn call(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let usual = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "test"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];
    block(&[&usual, more].concat())
}

/// What the server has said so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// Streams that were given headers.
    pub(super) answers: usize,
    /// Streams that were reset, by error code.
    pub(super) resets: BTreeMap<u32, usize>,
    /// Our PING and SETTINGS frames that were acknowledged.
    pub(super) acknowledged: usize,
    /// The error code of the end, and its words.
    pub(super) goaway: Option<(u32, String)>,
    pub(super) closed: bool,
    /// It has read all that was said.
    pub(super) to_the_end: bool,
}

/// A peer that says what it likes.
pub(super) struct Peer {
    socket: TcpStream,
    buffer: Vec<u8>,
    pub(super) heard: Heard,
}

impl Peer {
    /// Connects, and begins as every client does.
    pub(super) async fn connect(address: SocketAddr) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(PREFACE).await.unwrap();
        socket.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        Self { socket, buffer: Vec::new(), heard: Heard::default() }
    }

    /// Says all of it, listening meanwhile, until the server has read and answered the last of it or has closed.
    pub(super) async fn say(&mut self, frames: Vec<u8>) {
        self.exchange(frames).await;
        // An acknowledgement may overtake what else there is to say; not by so much.
        self.exchange(Vec::new()).await;
    }

    async fn exchange(&mut self, mut frames: Vec<u8>) {
        frames.extend(frame(PING, 0, 0, LAST));
        self.heard.to_the_end = false;
        let Self { socket, buffer, heard } = self;
        let (mut reader, mut writer) = socket.split();
        let saying = async {
            // A server that closes meanwhile is heard to.
            let _ = writer.write_all(&frames).await;
            pending::<()>().await;
        };
        let hearing = async {
            while !heard.closed && !heard.to_the_end {
                heard.closed = matches!(reader.read_buf(buffer).await, Ok(0) | Err(_));
                heard.take(buffer);
            }
        };
        let either = async {
            tokio::select! {
                () = hearing => (),
                () = saying => (),
            }
        };
        timeout(PATIENCE, either).await.expect("the server reads on or closes");
    }

    /// Says nothing more, nor answers, until the server closes.
    pub(super) async fn until_closed(&mut self) {
        while !self.heard.closed {
            self.heard.closed = matches!(self.socket.read_buf(&mut self.buffer).await, Ok(0) | Err(_));
            self.heard.take(&mut self.buffer);
        }
    }
}

impl Heard {
    /// Takes the complete frames out of what was read.
    fn take(&mut self, buffer: &mut Vec<u8>) {
        let mut rest = &buffer[..];
        while let Some((header, after)) = rest.split_first_chunk::<9>() {
            let &[a, b, c, kind, flags, ..] = header;
            let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap();
            let Some((payload, after)) = after.split_at_checked(length) else { break };
            self.note(kind, flags, payload);
            rest = after;
        }
        let taken = buffer.len() - rest.len();
        buffer.drain(..taken);
    }

    fn note(&mut self, kind: u8, flags: u8, payload: &[u8]) {
        let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        match kind {
            HEADERS => self.answers += 1,
            RST_STREAM => *self.resets.entry(number(0)).or_default() += 1,
            GOAWAY => self.goaway = Some((number(4), String::from_utf8_lossy(&payload[8..]).into_owned())),
            PING if flags & ACK != 0 && payload == LAST => self.to_the_end = true,
            PING | SETTINGS if flags & ACK != 0 => self.acknowledged += 1,
            _ => {}
        }
    }
}
