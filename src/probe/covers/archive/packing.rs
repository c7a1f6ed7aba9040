//! How a tar archive is packed, and readers that unpack it in bounded memory. SHELL: they read what they are given.

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::GzDecoder;

/// So much of a gzip file is read at a time.
const BLOCK: usize = 64 << 10;
/// So much memory an archive may ask for to be unpacked: 128 MiB, what `zstd --long` and `xz -9` make and a little more.
const ZSTD_WINDOW: u32 = 27;
const XZ_MEMORY: u64 = (128 << 20) + (16 << 20);

/// How a tar archive is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
    Xz,
}

impl Packing {
    /// A reader of what is packed in `file`.
    pub(super) fn open<'a>(self, file: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Plain => Box::new(file),
            Self::Gzip => Box::new(Gzip::within(BufReader::with_capacity(BLOCK, file))),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::new(file)?;
                decoder.window_log_max(ZSTD_WINDOW)?;
                Box::new(Bounded { from: decoder, limit: "Frame requires too much memory for decoding" })
            }
            Self::Xz => {
                let stream =
                    liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
                let from = liblzma::read::XzDecoder::new_stream(file, stream);
                Box::new(Bounded { from, limit: "memory limit reached" })
            }
        })
    }
}

/// One that says what to do about an archive that asks for more memory than it gets.
struct Bounded<R> {
    from: R,
    /// What it says then.
    limit: &'static str,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.from.read(into).map_err(|e| {
            if e.to_string() == self.limit {
                let why = "unpacking it takes more than 128 MiB of memory: pack it again with a smaller window \
                           (zstd --long=27, xz -9, or less)";
                io::Error::new(io::ErrorKind::Unsupported, why)
            } else {
                e
            }
        })
    }
}

/// One gzip stream after the other, and zeros after the last: tapes and some tools fill up their blocks with them.
enum Gzip<R> {
    Within(Box<GzDecoder<BufReader<R>>>),
    Between(BufReader<R>),
    Over,
}

impl<R: Read> Gzip<R> {
    fn within(from: BufReader<R>) -> Self {
        Self::Within(Box::new(GzDecoder::new(from)))
    }
}

impl<R: Read> Read for Gzip<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(self, Self::Over) {
                Self::Within(mut stream) => {
                    let read = stream.read(into);
                    *self = match read {
                        Ok(0) if !into.is_empty() => Self::Between(stream.into_inner()),
                        _ => Self::Within(stream),
                    };
                    if matches!(self, Self::Within(_)) {
                        return read;
                    }
                }
                Self::Between(mut rest) => {
                    if rest.fill_buf()?.first().is_none_or(|&byte| byte == 0) {
                        only_zeros(&mut rest)?;
                    } else {
                        *self = Self::within(rest);
                    }
                }
                Self::Over => return Ok(0),
            }
        }
    }
}

fn only_zeros(rest: &mut BufReader<impl Read>) -> io::Result<()> {
    loop {
        let block = rest.fill_buf()?;
        if block.iter().any(|&byte| byte != 0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "something else follows it"));
        }
        let len = block.len();
        if len == 0 {
            return Ok(());
        }
        rest.consume(len);
    }
}
