//! Gzip files of one or several members. Zeros after the last member are padding, as some tape and cloud tools write
//! it.

use std::io::{BufRead, Read, Result};

use flate2::bufread::GzDecoder;

/// Decompresses all members.
pub(super) struct Decoder<R> {
    /// The decoder of the current member; `None` at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Decoder<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { member: Some(GzDecoder::new(inner)) }
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        while let Some(member) = &mut self.member {
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.member = match self.member.take() {
                Some(member) => next(member.into_inner())?,
                None => None,
            };
        }
        Ok(0)
    }
}

/// Skips padding and returns the decoder of the next member, if there is one.
fn next<R: BufRead>(mut inner: R) -> Result<Option<GzDecoder<R>>> {
    loop {
        let bytes = inner.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok(Some(GzDecoder::new(inner)));
        }
        inner.consume(zeros);
    }
}
