//! A sound ring file, taken apart: where each record lies, and every byte that it depends on.
//!
//! Written from the table in `crash/layout.rs` and sharing no code with it, so that the reader under
//! test is compared with something else. It trusts all it reads.

use std::collections::BTreeMap;
use std::ops::Range;

const UNIT: usize = 64 << 10;
const LANES: usize = 4 * UNIT;
const SEGMENT: usize = 16 << 10;
const CHUNK: usize = 1 << 20;
const HEADER: usize = 24;
const ADDRESS: u64 = (1 << 48) - 1;

/// Words of the head.
pub const HEAD: Range<usize> = 0..9;
pub const MAGIC: usize = 0;
pub const ORDER_MARK: usize = 1;
pub const VERSION: usize = 2;
const LANE_BYTES: usize = 5;
const FILES: usize = 6;
pub const CHECK: usize = 8;
const PIECES: usize = 16;
const ENTRIES: usize = 17;
const CLOCK: usize = 18;
const CLOCKS: Range<usize> = 32..40;
const TABLE: usize = 64;
pub const INTENTS: usize = 2112;
const HEAD_ENTRIES: usize = 4096;

pub fn bytes_of(words: Range<usize>) -> Range<usize> {
    8 * words.start..8 * words.end
}

pub fn word(bytes: &[u8], place: usize) -> u64 {
    u64::from_ne_bytes(bytes[8 * place..8 * place + 8].try_into().unwrap())
}

pub fn set_word(bytes: &mut [u8], place: usize, word: u64) {
    bytes[8 * place..8 * place + 8].copy_from_slice(&word.to_ne_bytes());
}

/// The check of the head and of entries.
pub fn digest(words: impl IntoIterator<Item = u64>) -> u64 {
    words.into_iter().fold(0x6e65_786c_6f67, |sum: u64, word| {
        let product = (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        product ^ (product >> 29)
    })
}

/// An entry of the ring.
pub struct Entry {
    pub kind: u64,
    pub number: u64,
    pub at: Range<usize>,
}

/// A lane's words.
pub struct Lane {
    pub published: usize,
    pub consumed: usize,
    /// Up to where the file has it, and will have it.
    pub file: Range<usize>,
    /// Of the thread.
    pub thread: Range<usize>,
    /// Where its segments end, and at which positions.
    pub pads: Vec<(u64, Range<usize>)>,
}

impl Lane {
    /// All that says where its records begin and end.
    pub fn words(&self) -> [Range<usize>; 3] {
        [self.published..self.published + 8, self.consumed..self.consumed + 8, self.file.clone()]
    }
}

/// What begins with a header in a segment.
#[derive(Clone)]
pub struct Item {
    pub header: Range<usize>,
    pub body: Range<usize>,
    pub site: u64,
}

/// A record, and what it depends on.
pub struct Record {
    pub ticks: u64,
    pub lane: usize,
    /// Where it begins and ends in its lane.
    pub position: Range<u64>,
    /// Its log has it already.
    pub is_written: bool,
    pub has_target: bool,
    pub own: Item,
    /// All headers up to its own in its segment, that of the segment first.
    pub headers: Vec<Range<usize>>,
    /// From the innermost outwards.
    pub frames: Vec<Item>,
    /// What says who wrote the records of its lane, up to this one.
    pub markers: Vec<Range<usize>>,
}

/// A ring taken apart.
pub struct Ring {
    pub lanes: BTreeMap<usize, Lane>,
    /// In the order of their times.
    pub records: Vec<Record>,
    pub entries: Vec<Entry>,
    /// Heads of segments, used or not.
    pub segments: Vec<usize>,
    /// The end of the last page that is not all zeros.
    pub end: usize,
    pub files: usize,
}

impl Ring {
    pub fn read(bytes: &[u8]) -> Ring {
        let get = |place| usize::try_from(word(bytes, place)).unwrap();
        let files = get(FILES);
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let end = end.next_multiple_of(4096);
        let mut ring = Ring {
            lanes: BTreeMap::new(),
            records: Vec::new(),
            entries: Vec::new(),
            segments: Vec::new(),
            end,
            files,
        };
        ring.read_entries(bytes, 8 * HEAD_ENTRIES..UNIT, get(ENTRIES));
        let mut segments = BTreeMap::new();
        for place in 0..get(PIECES) {
            let piece = word(bytes, TABLE + place);
            let number = usize::try_from(piece >> 32 & 0xff_ffff).unwrap();
            let at = usize::try_from(piece & 0xffff_ffff).unwrap() * UNIT;
            match piece >> 56 {
                1 => ring.read_lanes(bytes, get(LANE_BYTES), number, at),
                2 => {
                    for at in (at..at + CHUNK).step_by(SEGMENT).filter(|at| *at < end) {
                        let lane = usize::try_from(word(bytes, at / 8) & ADDRESS).unwrap();
                        let index = word(bytes, at / 8 + 1);
                        if bytes[at + 23] == 7 {
                            ring.segments.push(at);
                            segments.insert((lane, index), at);
                        }
                    }
                }
                kind => assert_eq!(kind, 3, "a piece of an unknown kind"),
            }
        }
        for number in ring.lanes.keys().copied().collect::<Vec<_>>() {
            ring.read_records(bytes, number, &segments);
        }
        ring.records.sort_by_key(|record| (record.ticks, record.lane));
        ring
    }

    fn read_entries(&mut self, bytes: &[u8], within: Range<usize>, count: usize) {
        let mut at = within.start;
        for _ in 0..count {
            let first = word(bytes, at / 8);
            let text = usize::try_from(first & ADDRESS).unwrap();
            let end = at + 32 + text.next_multiple_of(8);
            assert!(end <= within.end, "this reader knows of entries in the head only");
            let number = word(bytes, at / 8 + 1);
            self.entries.push(Entry { kind: first >> 56, number, at: at..end });
            at = end;
        }
    }

    fn read_lanes(&mut self, bytes: &[u8], lane_bytes: usize, piece: usize, at: usize) {
        for place in 0..LANES / lane_bytes {
            let at = at + place * lane_bytes;
            let thread = at + lane_bytes - 256..at + lane_bytes;
            if word(bytes, at / 8) == 0 {
                continue;
            }
            let number = piece * (LANES / lane_bytes) + place;
            let file = at + 256..at + 256 + 16 * self.files;
            let pads = Vec::new();
            let lane = Lane { published: at, consumed: at + 128, file, thread, pads };
            self.lanes.insert(number, lane);
        }
    }

    fn read_records(
        &mut self,
        bytes: &[u8],
        number: usize,
        segments: &BTreeMap<(usize, u64), usize>,
    ) {
        let lane = &self.lanes[&number];
        let (published, consumed) =
            (word(bytes, lane.published / 8), word(bytes, lane.consumed / 8));
        let (mut markers, mut pads) = (Vec::new(), Vec::new());
        let of_lane = segments.range((number, 0)..(number + 1, 0));
        for ((_, index), at) in of_lane {
            let (start, mut headers) = (index * SEGMENT as u64, Vec::new());
            headers.push(*at..*at + HEADER);
            let mut frames: BTreeMap<usize, (Item, usize)> = BTreeMap::new();
            let mut within = HEADER;
            while start + (within as u64) < published && within + HEADER <= SEGMENT {
                let place = at + within;
                let third = word(bytes, place / 8 + 2);
                let length = usize::try_from(third & 0xffff_ffff).unwrap();
                let (kind, back) = (third >> 56, usize::try_from(third >> 32 & 0xffff).unwrap());
                if length == 0 {
                    break;
                }
                let item = Item {
                    header: place..place + HEADER,
                    body: place + HEADER..place + length,
                    site: word(bytes, place / 8) & ADDRESS,
                };
                headers.push(item.header.clone());
                match kind & 0x3f {
                    2 => {
                        pads.push((start + within as u64, item.header));
                        break;
                    }
                    3 => markers.push(item.body),
                    5 => _ = frames.insert(place, (item, back)),
                    _ => {
                        let mut around = Vec::new();
                        let (mut from, mut back) = (place, back);
                        while back > 0 {
                            let (frame, next) = frames[&(from - 8 * back)].clone();
                            (from, back) = (frame.header.start, next);
                            around.push(frame);
                        }
                        let position = start + within as u64;
                        self.records.push(Record {
                            ticks: word(bytes, place / 8 + 1),
                            lane: number,
                            position: position..position + length as u64,
                            is_written: position < consumed,
                            has_target: kind & 0x80 != 0,
                            own: item,
                            headers: headers.clone(),
                            frames: around,
                            markers: markers.clone(),
                        });
                    }
                }
                within += length;
            }
        }
        self.lanes.get_mut(&number).unwrap().pads = pads;
    }

    /// The entries of these kinds.
    pub fn entries_of(&self, kinds: Range<u64>) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| kinds.contains(&entry.kind))
    }

    /// The entry of a call site.
    pub fn site(&self, address: u64) -> &Entry {
        self.entries_of(1..2).find(|entry| entry.number == address).expect("a known site")
    }

    /// The numbers of pieces and of entries.
    pub fn counts() -> Range<usize> {
        bytes_of(PIECES..ENTRIES + 1)
    }

    pub fn table() -> Range<usize> {
        bytes_of(TABLE..TABLE + 2048)
    }

    pub fn clocks() -> [Range<usize>; 2] {
        [bytes_of(CLOCK..CLOCK + 1), bytes_of(CLOCKS)]
    }

    pub fn intents(&self) -> Range<usize> {
        bytes_of(INTENTS..INTENTS + 24 * self.files)
    }
}
