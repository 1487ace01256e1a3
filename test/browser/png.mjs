// Makes screenshots small: at most 256 colours, chosen by median cut, as an
// indexed PNG. Pages have few colours and many shades of text edges, which no
// eye misses.
import { deflateSync, inflateSync } from 'node:zlib'

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1
  return n >>> 0
})
const crc = (bytes) => {
  let c = 0xffffffff
  for (const b of bytes) c = table[(c ^ b) & 255] ^ (c >>> 8)
  return (c ^ 0xffffffff) >>> 0
}

function chunk (type, data) {
  const out = Buffer.alloc(data.length + 12)
  out.writeUInt32BE(data.length, 0)
  out.write(type, 4, 'latin1')
  data.copy(out, 8)
  out.writeUInt32BE(crc(out.subarray(4, data.length + 8)), data.length + 8)
  return out
}

// decode reads the 8-bit RGB and RGBA pictures that browsers write.
function decode (png) {
  const width = png.readUInt32BE(16)
  const height = png.readUInt32BE(20)
  const channels = { 2: 3, 6: 4 }[png[25]]
  if (png[24] !== 8 || !channels || png[28]) throw new Error('not a screenshot')
  const parts = []
  for (let at = 8; at < png.length;) {
    const size = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + size))
    at += size + 12
  }
  const raw = inflateSync(Buffer.concat(parts))
  const row = width * channels
  const rgb = Buffer.alloc(row * height)
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)]
    for (let x = 0; x < row; x++) {
      const a = x >= channels ? rgb[y * row + x - channels] : 0
      const b = y ? rgb[(y - 1) * row + x] : 0
      const c = y && x >= channels ? rgb[(y - 1) * row + x - channels] : 0
      let add = 0
      if (filter === 1) add = a
      else if (filter === 2) add = b
      else if (filter === 3) add = (a + b) >> 1
      else if (filter === 4) {
        const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)]
        add = pa <= pb && pa <= pc ? a : pb <= pc ? b : c
      }
      rgb[y * row + x] = raw[y * (row + 1) + 1 + x] + add
    }
  }
  return { width, height, channels, rgb }
}

// palette divides the colours until there are as many boxes as places. The
// most used colours come first and stay exactly as they are.
function palette (counts, places) {
  const all = [...counts].map(([colour, n]) => ({ n, v: [colour >> 16, (colour >> 8) & 255, colour & 255] })).sort((x, y) => y.n - x.n)
  if (all.length <= places) return all.map((c) => c.v)
  const exact = all.slice(0, places >> 2).map((c) => c.v)
  let boxes = [all.slice(places >> 2)]
  while (boxes.length < places - exact.length) {
    let best
    for (const box of boxes) {
      if (box.length < 2) continue
      for (let ch = 0; ch < 3; ch++) {
        let [low, high, n] = [255, 0, 0]
        for (const c of box) { low = Math.min(low, c.v[ch]); high = Math.max(high, c.v[ch]); n += c.n }
        const worth = (high - low) * Math.sqrt(n)
        if (!best || worth > best.worth) best = { box, ch, worth }
      }
    }
    if (!best) break
    best.box.sort((x, y) => x.v[best.ch] - y.v[best.ch])
    const middle = best.box.length >> 1
    boxes = boxes.filter((b) => b !== best.box).concat([best.box.slice(0, middle), best.box.slice(middle)])
  }
  const mean = (box) => {
    const n = box.reduce((s, c) => s + c.n, 0)
    return [0, 1, 2].map((ch) => Math.round(box.reduce((s, c) => s + c.v[ch] * c.n, 0) / n))
  }
  return exact.concat(boxes.map(mean))
}

export function shrink (png) {
  const { width, height, channels, rgb } = decode(png)
  const colour = (i) => (rgb[i] << 16) | (rgb[i + 1] << 8) | rgb[i + 2]
  const counts = new Map()
  for (let i = 0; i < rgb.length; i += channels) counts.set(colour(i), (counts.get(colour(i)) || 0) + 1)
  const colours = palette(counts, 256)
  const nearest = new Map()
  for (const c of counts.keys()) {
    let [best, least] = [0, Infinity]
    colours.forEach((v, i) => {
      const d = (v[0] - (c >> 16)) ** 2 + (v[1] - ((c >> 8) & 255)) ** 2 + (v[2] - (c & 255)) ** 2
      if (d < least) [best, least] = [i, d]
    })
    nearest.set(c, best)
  }
  const raw = Buffer.alloc((width + 1) * height)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += channels) raw[y * (width + 1) + 1 + x] = nearest.get(colour(i))
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 3, 0, 0, 0], 8)
  return Buffer.concat([png.subarray(0, 8), chunk('IHDR', head), chunk('PLTE', Buffer.from(colours.flat())),
    chunk('IDAT', deflateSync(raw, { level: 9, memLevel: 9 })), chunk('IEND', Buffer.alloc(0))])
}
