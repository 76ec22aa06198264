"""Windows and what is drawn in them: GLFW for windows, keys and monitors, OpenGL by moderngl for pictures.

Whoever shows pictures now and then, from any thread, takes a `picture_window.PictureWindow`; all of those live in the
one thread of `stream.display.thread`. Whoever draws each period of a display opens a `window.Window` in a thread of its
own. Both at once is refused: GLFW wants one thread, see `stream.display.library`.
"""
