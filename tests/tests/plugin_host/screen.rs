//! A screen that is not there, and what is on it.
#![allow(dead_code, reason = "each journey uses a part of it")]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use x11rb::protocol::xproto::{self, ConnectionExt as _, ImageFormat};
use x11rb::rust_connection::RustConnection;

/// An X server without a screen, ended with this.
pub struct Xvfb {
    server: Child,
    /// What `DISPLAY` must be.
    pub name: String,
}

impl Xvfb {
    /// Starts one, if it is here.
    pub fn start() -> Option<Self> {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1700x1100x24"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(server.stdout.take()?).read_line(&mut line).ok()?;
        let name = format!(":{}", line.trim());
        Some(Self { server, name })
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// How many colours are in that part of the window; kept as a PNG file where one is wanted.
pub fn picture(
    connection: &RustConnection,
    window: xproto::Window,
    name: &str,
    (width, height): (u16, u16),
) -> usize {
    let image = connection
        .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, u32::MAX)
        .unwrap()
        .reply()
        .unwrap();
    // Four bytes a pixel at 24 bits: blue, green, red, nothing.
    let rgb: Vec<u8> = image
        .data
        .chunks_exact(4)
        .flat_map(|pixel| [pixel[2], pixel[1], pixel[0]])
        .collect();
    let folders = ["UNDERTONE_PICTURES", "UNDERTONE_DOCS_PICTURES"];
    if let Some(folder) = folders.iter().find_map(std::env::var_os) {
        let file = PathBuf::from(folder).join(format!("{name}.png"));
        std::fs::write(file, png(&rgb, width, height)).unwrap();
    }
    rgb.chunks_exact(3).collect::<HashSet<_>>().len()
}

/// A picture of eight bits a colour as a PNG file (ISO/IEC 15948).
fn png(rgb: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], data: &[u8]| {
        let mut sum = flate2::Crc::new();
        sum.update(name);
        sum.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend_from_slice(name);
        file.extend_from_slice(data);
        file.extend(sum.sum().to_be_bytes());
    };
    let mut head = Vec::new();
    head.extend(u32::from(width).to_be_bytes());
    head.extend(u32::from(height).to_be_bytes());
    // Eight bits, three colours; deflate, the usual filters, not interlaced.
    head.extend([8, 2, 0, 0, 0]);
    chunk(b"IHDR", &head);
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    for row in rgb.chunks_exact(usize::from(width) * 3) {
        // No filter: flat colours need none.
        packed.write_all(&[0]).unwrap();
        packed.write_all(row).unwrap();
    }
    chunk(b"IDAT", &packed.finish().unwrap());
    chunk(b"IEND", &[]);
    file
}
