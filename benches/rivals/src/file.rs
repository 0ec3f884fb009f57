//! The file as loggers get it that do not open one themselves: 64 KiB at a time, behind a mutex.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Clone)]
pub struct SharedFile(Arc<Mutex<BufWriter<File>>>);

impl SharedFile {
    pub fn create(path: &Path) -> SharedFile {
        let file = File::create_new(path).expect("a new file");
        SharedFile(Arc::new(Mutex::new(BufWriter::with_capacity(64 << 10, file))))
    }

    fn lock(&self) -> MutexGuard<'_, BufWriter<File>> {
        self.0.lock().expect("nobody panics with it")
    }
}

impl Write for SharedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lock().flush()
    }
}
