//! What a ring says of its call sites, files and common fields.

use std::collections::HashMap;
use std::io;

use super::{Dead, FILE_ENTRIES, Piece, read, words_of};
use crate::crash::layout::{
    ENTRY_HEAD, EntryHead, HEAD_ENTRIES, IS_MAPPED, LEAVES_OUT, UNIT, digest, entry, head,
};
use crate::lane::view::Common;
use crate::site::callsite::Site;
use crate::site::known;
use crate::sys::folder;
use crate::value::redact::Redaction;

impl Dead {
    pub(super) fn read_entries<'a>(
        &mut self,
        head: &[u64],
        pieces: impl Iterator<Item = &'a Piece>,
    ) -> io::Result<()> {
        let mut count = self.take_entries(&head[HEAD_ENTRIES..]);
        for piece in pieces {
            // As many as an entry can need: a description is a text of a program.
            let bytes = (piece.number.min(256) * UNIT).min(piece.bytes);
            let words =
                words_of(&read(&self.file, piece.offset, usize::try_from(bytes).unwrap_or(0))?);
            count += self.take_entries(&words);
        }
        // There may be one more that was not counted yet.
        self.damaged += u64::from(count < head[head::ENTRIES]);
        Ok(())
    }

    /// Takes the entries of one piece that are sound; how many. Behind a damaged one each word is
    /// tried, as nothing says where the next one begins.
    fn take_entries(&mut self, words: &[u64]) -> u64 {
        let (mut at, mut count) = (0, 0);
        // That is tried with so many words, or a file made for it would take hours.
        let mut patience = 8 * words.len();
        let next = |at: usize| Some(at + words.get(at..)?.iter().position(|word| *word != 0)?);
        while let Some(place) = next(at)
            && let Some((start, rest)) = words[place..].split_at_checked(ENTRY_HEAD)
        {
            at = place + 1;
            let head = EntryHead::from_words([start[0], start[1], start[2]]);
            let is_kind = (entry::SITE..=entry::REDACTION).contains(&head.kind);
            let text = rest.get(..head.bytes.div_ceil(8)).filter(|_| is_kind);
            let Some(text) = text.filter(|text| text.len() <= patience) else { continue };
            if digest(start[..3].iter().chain(text).copied()) != start[3] {
                patience -= text.len();
                continue;
            }
            let bytes: Vec<u8> = text.iter().flat_map(|word| word.to_ne_bytes()).collect();
            self.take_entry(head, bytes.get(..head.bytes).unwrap_or(&[]));
            at += head.all_words() - 1;
            count += 1;
        }
        count
    }

    fn take_entry(&mut self, head: EntryHead, bytes: &[u8]) {
        let text = || String::from_utf8_lossy(bytes).into_owned();
        let number = usize::try_from(head.number).unwrap_or(usize::MAX);
        match head.kind {
            entry::SITE => {
                let Ok(description) = core::str::from_utf8(bytes) else { return };
                let site = self.known.get(head.level, head.line, description);
                self.sites.insert(head.number, site);
            }
            entry::COMMON => self.common = Common::read(bytes),
            entry::REDACTION => {
                self.redaction = core::str::from_utf8(bytes).ok().and_then(Redaction::from_text);
            }
            _ => {
                let Some(file) = self.files.get_mut(number) else { return };
                let place = FILE_ENTRIES.iter().position(|kind| *kind == head.kind);
                file.entries |= place.map_or(0, |place| 1 << place);
                match head.kind {
                    entry::PATH => file.path = folder::path_from(bytes),
                    entry::FORMAT => file.format = text(),
                    entry::FILTER => file.filter = text(),
                    entry::MODE => {
                        let mode = bytes.first_chunk().map(|mode| u32::from_ne_bytes(*mode));
                        file.mode = mode.unwrap_or(0o600) & 0o666 | 0o600;
                        file.is_mapped = mode.is_some_and(|mode| mode & IS_MAPPED != 0);
                        file.leaves_out = mode.is_some_and(|mode| mode & LEAVES_OUT != 0);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The call sites that this program knows, by what they say: most rings are of the same program.
pub(super) struct Sites(HashMap<(u8, u32, &'static str), &'static Site>);

impl Sites {
    pub(super) fn new() -> Sites {
        let key = |site: &'static Site| (site.level_number(), site.line(), site.description());
        Sites(known::all().map(|site| (key(site), site)).collect())
    }

    /// The one that says this: ours, if this program has it, or a new one that stays.
    fn get(&mut self, level: u8, line: u32, description: &str) -> &'static Site {
        if let Some(site) = self.0.get(&(level, line, description)) {
            return site;
        }
        let description = String::from(description).leak();
        let site: &'static Site = Box::leak(Box::new(Site::new(level, line, description)));
        site.info(); // known to the next ring
        self.0.insert((level, line, description), site);
        site
    }
}
