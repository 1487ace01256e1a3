// Builds static/dist from assets/ and the packages of package.json:
// styles, one script and the fonts. Run it with `npm run build`.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { compile, Logger } from 'sass'

const here = dirname(fileURLToPath(import.meta.url))
const modules = join(here, '..', 'node_modules')
const dist = join(here, 'static', 'dist')
const fonts = join(dist, 'fonts')

rmSync(dist, { recursive: true, force: true })
mkdirSync(fonts, { recursive: true })

const css = compile(join(here, 'assets', 'scss', 'app.scss'), {
  style: 'compressed',
  loadPaths: [join(here, '..'), modules],
  quietDeps: true,
  logger: Logger.silent // the one warning is a call inside the MoJ package
}).css
const unwanted = ['GDS Transport', 'crown', 'govuk-crest'].filter((word) => css.includes(word))
if (unwanted.length > 0) throw new Error(`app.css must not carry another government's brand: ${unwanted}`)
writeFileSync(join(dist, 'app.css'), css)

await build({
  entryPoints: [join(here, 'assets', 'js', 'app.js')],
  outfile: join(dist, 'app.js'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2020',
  legalComments: 'eof',
  logLevel: 'warning'
})

for (const weight of [400, 600, 700]) {
  for (const subset of ['latin', 'latin-ext', 'vietnamese']) {
    const name = `be-vietnam-pro-${subset}-${weight}-normal.woff2`
    copyFileSync(join(modules, '@fontsource', 'be-vietnam-pro', 'files', name), join(fonts, name))
  }
}
// The papers we print embed whole fonts; browsers never load these.
for (const [dir, name] of [['400Regular', 'Regular'], ['600SemiBold', 'SemiBold'], ['700Bold', 'Bold']]) {
  copyFileSync(
    join(modules, '@expo-google-fonts', 'be-vietnam-pro', dir, `BeVietnamPro_${dir}.ttf`),
    join(fonts, `BeVietnamPro-${name}.ttf`)
  )
}
copyFileSync(join(modules, '@fontsource', 'be-vietnam-pro', 'LICENSE'), join(fonts, 'LICENSE.txt'))

const kB = (path) => `${Math.round(readFileSync(path).length / 1024)} kB`
console.log(`app.css ${kB(join(dist, 'app.css'))}, app.js ${kB(join(dist, 'app.js'))}`)
