//! What a ring says of the batch that one of its files was about to get.

use std::fs;
use std::io;

use super::check_head;
use crate::crash::home::Orphan;
use crate::crash::layout::{INTENT_WORDS, INTENTS, SAMPLE_BYTES, head, intent, intent_check};
use crate::sys::folder::{self, Identity};

/// A batch that was being written.
#[derive(Debug)]
pub(in crate::crash) struct Intent {
    /// What became of it is known: it is as if it was written.
    pub(in crate::crash) is_settled: bool,
    /// Whether its check says so.
    is_sound: bool,
    pub(in crate::crash) identity: Identity,
    pub(in crate::crash) offset: u64,
    pub(in crate::crash) bytes: u64,
    /// Of its format's key the digest.
    pub(in crate::crash) format: u64,
    /// Its first bytes, and as many last ones.
    pub(in crate::crash) head: Vec<u8>,
    pub(in crate::crash) tail: Vec<u8>,
}

impl Intent {
    /// The one that these words are, if there is one.
    pub(super) fn read(words: &[u64; INTENT_WORDS]) -> Option<Intent> {
        let length = usize::try_from(words[intent::BYTES]).unwrap_or(usize::MAX).min(SAMPLE_BYTES);
        let sample = |at: usize| {
            let words = words[at..][..SAMPLE_BYTES / 8].iter();
            words.flat_map(|word| word.to_ne_bytes()).take(length).collect()
        };
        let state = words[intent::STATE];
        [intent::OPEN, intent::SETTLED].contains(&state).then(|| Intent {
            is_settled: state == intent::SETTLED,
            is_sound: intent_check(&words[1..intent::CHECK]) == words[intent::CHECK],
            identity: (words[intent::DEVICE], words[intent::INODE]),
            offset: words[intent::OFFSET],
            bytes: words[intent::BYTES],
            format: words[intent::FORMAT],
            head: sample(intent::HEAD),
            tail: sample(intent::TAIL),
        })
    }

    /// Whether somebody has noted it, and there can be such a batch.
    pub(super) fn makes_sense(&self) -> bool {
        self.is_sound
            && self.offset.checked_add(self.bytes).is_some_and(|end| i64::try_from(end).is_ok())
    }
}

/// So many words of the ring, without taking memory.
fn words_at<const N: usize>(ring: &fs::File, place: usize) -> io::Result<[u64; N]> {
    let mut bytes = [[0; 8]; N];
    folder::read_at(ring, 8 * place as u64, bytes.as_flattened_mut())?;
    Ok(bytes.map(u64::from_ne_bytes))
}

/// Notes in the ring what becomes of the intent of this file.
pub(super) fn note_state(ring: &fs::File, number: usize, state: u64) -> io::Result<()> {
    let place = INTENTS + number * INTENT_WORDS + intent::STATE;
    folder::write_at(ring, 8 * place as u64, &state.to_ne_bytes())
}

impl Orphan {
    /// What it was about to write to this file, and the number that has there. Read without its
    /// lock: the words of a process that lives may change meanwhile.
    pub(in crate::crash) fn intent_for(
        &self,
        identity: Identity,
    ) -> io::Result<Option<(usize, Intent)>> {
        let head: [u64; head::CHECK + 1] = words_at(&self.file, 0)?;
        let Ok(files) = check_head(&head) else { return Ok(None) };
        for number in 0..files {
            let intent = Intent::read(&words_at(&self.file, INTENTS + number * INTENT_WORDS)?);
            let counts = |intent: &Intent| !intent.is_settled && intent.makes_sense();
            if let Some(intent) = intent.filter(|i| counts(i) && i.identity == identity) {
                return Ok(Some((number, intent)));
            }
        }
        Ok(None)
    }

    /// Notes what has become of it.
    pub(in crate::crash) fn note_intent_state(&self, number: usize, state: u64) -> io::Result<()> {
        note_state(&self.file, number, state)
    }
}
