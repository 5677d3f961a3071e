//! The window's picture, kept from frame to frame beside the screen, so that only what has changed is painted.
//!
//! egui paints everything in every frame. Where OpenGL is done in software that is nearly all of what an open
//! window costs: some 300 000 pixels, each three layers deep, through a fragment shader. Here a frame is clipped
//! to its [`damage`]. Where the screen's memory after a swap is nobody's, it is painted into a buffer
//! of our own, which is then copied.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use egui::epaint::ClippedShape;
use egui::layers::{LayerId, ShapeIdx};
use egui::{CornerRadius, PaintCallback, Rect, Shape, Ui};
use egui_glow::glow::{self, HasContext as _};
use egui_glow::{CallbackFn, Painter};

use super::real::Real;
use super::{damage, style};

/// What one open window remembers of its last frame.
pub struct Canvas {
    kept: Arc<Kept>,
    shapes: Vec<ClippedShape>,
    /// Size in points, and pixels per point, of that frame.
    surface: Option<(Rect, f32)>,
    /// Something lay over it: a hint at the pointer.
    covered: bool,
    /// The screen's own memory holds the last frame, so that there is no need of a buffer.
    preserved: bool,
}

/// The buffer. Its OpenGL objects end with the window's context.
struct Kept {
    buffer: Mutex<Option<Buffer>>,
    /// What is in it is not the last frame.
    lost: AtomicBool,
    /// Pixels of the window where there is no graphics card, else 0: told to the window's watcher.
    in_software: Arc<AtomicU32>,
    /// The window's size as the display has it.
    real: Option<Real>,
}

struct Buffer {
    /// `None`: it is the screen's own memory.
    objects: Option<(glow::Framebuffer, glow::Texture)>,
    size: [u32; 2],
}

impl Canvas {
    /// Nothing is remembered. Once it is known, `in_software` has the window's pixels if OpenGL is done without a card;
    /// `preserved` says that the screen's own memory holds the last frame, `real` how large it is.
    pub fn new(in_software: Arc<AtomicU32>, preserved: bool, real: Option<Real>) -> Self {
        let kept = Kept { buffer: Mutex::default(), lost: AtomicBool::new(false), in_software, real };
        Self { kept: Arc::new(kept), shapes: Vec::new(), surface: None, covered: false, preserved }
    }

    /// Has `draw` draw, and keeps of its shapes what paints the difference to the last frame; calls `keep` if
    /// the screen must not be cleared before.
    pub fn draw<T>(&mut self, ui: &mut Ui, keep: impl FnOnce(), draw: impl FnOnce(&mut Ui) -> T) -> T {
        let context = ui.ctx().clone();
        let layer = ui.layer_id();
        let start = context.graphics_mut(|graphics| graphics.entry(layer).next_idx().0);
        let whole = ui.max_rect();
        ui.painter().rect_filled(whole, CornerRadius::ZERO, style::GROUND);
        let drawn = draw(ui);

        let surface = Some((whole, context.pixels_per_point()));
        let layers: Vec<LayerId> = context.memory(|memory| memory.layer_ids().collect());
        let covered = context.graphics(|graphics| {
            let painted = |other: &LayerId| graphics.get(*other).is_some_and(|list| !list.is_empty());
            layers.iter().any(|other| *other != layer && painted(other))
        });
        let lost = self.kept.lost.swap(false, Ordering::Relaxed);
        let now: Vec<ClippedShape> = context.graphics(|graphics| {
            graphics
                .get(layer)
                .map(|list| list.all_entries().skip(start).cloned().collect())
                .unwrap_or_default()
        });
        let places = damage::between(&self.shapes, &now)
            .filter(|_| !lost && self.surface == surface && !self.covered && !covered);
        if self.preserved && places.is_some() {
            keep();
        }
        let places = places.unwrap_or_else(|| vec![whole]);
        context.graphics_mut(|graphics| {
            let list = graphics.entry(layer);
            for at in start..start + now.len() {
                list.reset_shape(ShapeIdx(at));
            }
            let preserved = self.preserved;
            list.add(
                whole,
                self.call(whole, move |kept, painter, size| kept.begin(painter, size, preserved)),
            );
            for place in places {
                for shape in now.iter().filter(|shape| damage::seen(shape).intersects(place)) {
                    list.add(shape.clip_rect.intersect(place), shape.shape.clone());
                }
            }
            list.add(whole, self.call(whole, Kept::end));
        });
        (self.shapes, self.surface, self.covered) = (now, surface, covered);
        drawn
    }

    fn call(&self, rect: Rect, what: impl Fn(&Kept, &Painter, [u32; 2]) + Send + Sync + 'static) -> Shape {
        let kept = Arc::clone(&self.kept);
        let callback = CallbackFn::new(move |info, painter| what(&kept, painter, info.screen_size_px));
        Shape::Callback(PaintCallback { rect, callback: Arc::new(callback) })
    }
}

impl Kept {
    /// What is painted into a window that has another size by now is not shown for long.
    fn lose_unless_it_is(&self, size: [u32; 2]) {
        if self.real.as_ref().is_some_and(|real| real.differs(size)) {
            self.lost.store(true, Ordering::Relaxed);
        }
    }

    /// From here on into the buffer. Without one, onto the screen, all of it in every frame.
    fn begin(&self, painter: &Painter, size: [u32; 2], preserved: bool) {
        self.lose_unless_it_is(size);
        let gl = painter.gl();
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        if buffer.as_ref().is_none_or(|buffer| buffer.size != size) {
            if let Some(old) = buffer.take() {
                old.delete(gl);
            }
            // SAFETY: the window's context is current while egui paints.
            let renderer = unsafe { gl.get_parameter_string(glow::RENDERER) };
            let pixels = if is_software(&renderer) { size[0].saturating_mul(size[1]) } else { 0 };
            self.in_software.store(pixels, Ordering::Relaxed);
            // This frame may have left out what a new buffer does not hold.
            self.lost.store(true, Ordering::Relaxed);
            *buffer = Buffer::new(gl, size, preserved);
        }
        match &*buffer {
            Some(Buffer { objects: None, .. }) => {}
            Some(Buffer { objects: Some((framebuffer, _)), .. }) => {
                // SAFETY: the window's context is current while egui paints; the object is of this context.
                unsafe { gl.bind_framebuffer(glow::FRAMEBUFFER, Some(*framebuffer)) }
            }
            None => self.lost.store(true, Ordering::Relaxed),
        }
    }

    /// The buffer onto the screen.
    fn end(&self, painter: &Painter, [width, height]: [u32; 2]) {
        self.lose_unless_it_is([width, height]);
        let gl = painter.gl();
        let buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Buffer { objects: Some((framebuffer, _)), .. }) = &*buffer else { return };
        let (width, height) = (width as i32, height as i32);
        // SAFETY: as in `begin`; both are at least as large as what is copied.
        unsafe {
            gl.disable(glow::SCISSOR_TEST);
            gl.bind_framebuffer(glow::READ_FRAMEBUFFER, Some(*framebuffer));
            gl.bind_framebuffer(glow::DRAW_FRAMEBUFFER, painter.intermediate_fbo());
            gl.blit_framebuffer(
                0,
                0,
                width,
                height,
                0,
                0,
                width,
                height,
                glow::COLOR_BUFFER_BIT,
                glow::NEAREST,
            );
            gl.bind_framebuffer(glow::FRAMEBUFFER, painter.intermediate_fbo());
        }
    }
}

/// Whether a renderer of that name computes on the processor.
fn is_software(renderer: &str) -> bool {
    let renderer = renderer.to_lowercase();
    ["llvmpipe", "softpipe", "swrast", "software", "swiftshader", "gdi generic", "basic render"]
        .iter()
        .any(|name| renderer.contains(name))
}

impl Buffer {
    /// `None` if this OpenGL has none to give.
    fn new(gl: &glow::Context, size: [u32; 2], preserved: bool) -> Option<Self> {
        if preserved {
            return Some(Self { objects: None, size });
        }
        let [width, height] = size.map(|pixels| pixels as i32);
        // SAFETY: the window's context is current while egui paints.
        unsafe {
            let texture = gl.create_texture().ok()?;
            gl.bind_texture(glow::TEXTURE_2D, Some(texture));
            // The order in which screens have it, so that the copy is one of bytes.
            let (format, kind) = (glow::BGRA, glow::UNSIGNED_INT_8_8_8_8_REV);
            let none = glow::PixelUnpackData::Slice(None);
            gl.tex_image_2d(glow::TEXTURE_2D, 0, glow::RGBA8 as i32, width, height, 0, format, kind, none);
            gl.bind_texture(glow::TEXTURE_2D, None);
            let Ok(framebuffer) = gl.create_framebuffer() else {
                gl.delete_texture(texture);
                return None;
            };
            gl.bind_framebuffer(glow::FRAMEBUFFER, Some(framebuffer));
            let to = glow::COLOR_ATTACHMENT0;
            gl.framebuffer_texture_2d(glow::FRAMEBUFFER, to, glow::TEXTURE_2D, Some(texture), 0);
            let complete = gl.check_framebuffer_status(glow::FRAMEBUFFER) == glow::FRAMEBUFFER_COMPLETE;
            gl.bind_framebuffer(glow::FRAMEBUFFER, None);
            let buffer = Self { objects: Some((framebuffer, texture)), size };
            if !complete {
                buffer.delete(gl);
                return None;
            }
            Some(buffer)
        }
    }

    fn delete(self, gl: &glow::Context) {
        if let Some((framebuffer, texture)) = self.objects {
            // SAFETY: the window's context is current while egui paints; the objects are of this context.
            unsafe {
                gl.delete_framebuffer(framebuffer);
                gl.delete_texture(texture);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_software;

    #[test]
    fn renderers_are_told_apart_by_name() {
        for name in ["llvmpipe (LLVM 15.0.6, 256 bits)", "softpipe", "Google SwiftShader", "GDI Generic"] {
            assert!(is_software(name), "{name}");
        }
        for name in
            ["Mesa Intel(R) UHD Graphics 620 (KBL GT2)", "NVIDIA GeForce RTX 3060/PCIe/SSE2", "Apple M1"]
        {
            assert!(!is_software(name), "{name}");
        }
    }
}
