// What `make lint` asks of the page. `check.py` runs it from the project's folder, so the patterns begin there.
import css from '@eslint/css'
import js from '@eslint/js'
import globals from 'globals'
import typescript from 'typescript-eslint'

const MARKUP = ['innerHTML', 'outerHTML', 'srcdoc', 'insertAdjacentHTML', 'setHTMLUnsafe', 'parseHTMLUnsafe']
const MARKUP_NAMES = `/^(${MARKUP.join('|')}|parseFromString|createContextualFragment)$/`
const AS_TEXT = 'What comes from an image, a name or a person is shown as text: use element() of dom.js.'
const NO_STYLE = 'The Content-Security-Policy refuses a style attribute: use a class, or element.style.'
const NO_OTHER_HOST = 'The page asks no other host; its own addresses begin with /api/gallery or /.auth.'
// A browser that does not know one of these shows the page as well, and not quite so neatly.
const BETTER_WITH = [
  'accent-color',
  'field-sizing',
  'interpolate-size',
  'overflow-anchor',
  'overscroll-behavior',
  'overscroll-behavior-block',
  'overscroll-behavior-x',
  'overscroll-behavior-y',
  'resize',
  'scrollbar-color',
  'scrollbar-gutter',
  'scrollbar-width',
  'text-size-adjust',
  'text-wrap',
  'user-select',
]
const ABSOLUTE = String.raw`/^\s*(?:[a-z]+:)?\/\/(?!www\.w3\.org\/)/i`

const restricted = [
  { selector: `MemberExpression[property.name=${MARKUP_NAMES}]`, message: AS_TEXT },
  { selector: `MemberExpression[property.value=${MARKUP_NAMES}]`, message: AS_TEXT },
  { selector: 'MemberExpression[object.name="document"][property.name=/^write(ln)?$/]', message: AS_TEXT },
  { selector: 'CallExpression[callee.property.name=/^setAttribute/][arguments.0.value=/^style$/i]', message: NO_STYLE },
  {
    selector: 'CallExpression[callee.name=/^(element|shape)$/] > ObjectExpression > Property[key.name="style"]',
    message: NO_STYLE,
  },
  {
    selector: 'CallExpression[callee.property.name=/^setAttribute/][arguments.0.value=/^on/i]',
    message: 'Add a listener: element() takes it as on...',
  },
  { selector: `Literal[value=${ABSOLUTE}]`, message: NO_OTHER_HOST },
  { selector: `TemplateElement[value.raw=${ABSOLUTE}]`, message: NO_OTHER_HOST },
  {
    selector: String.raw`ImportDeclaration[source.value!=/^\.\/[a-z][a-z0-9-]*\.js$/]`,
    message: "A module of the page is imported as './name.js', because the shell's import map gives it its hash.",
  },
  { selector: 'ImportExpression', message: "Import at the top: the shell preloads by the modules' imports." },
]

export default [
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    ...js.configs.recommended,
    files: ['gallery/**/*.js'],
    languageOptions: {
      ecmaVersion: 2025,
      sourceType: 'module',
      globals: globals.browser,
      parser: typescript.parser,
      parserOptions: { project: './gallery/tsconfig.json', tsconfigRootDir: process.cwd() },
    },
    plugins: { typescript: typescript.plugin },
    rules: {
      ...js.configs.recommended.rules,
      curly: ['error', 'multi-line'],
      eqeqeq: 'error',
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
      'no-alert': 'error',
      'no-console': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-syntax': ['error', ...restricted],
      'no-script-url': 'error',
      'no-shadow': 'error',
      // tsc finds them, and knows that ||= looks first.
      'no-unused-private-class-members': 'off',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': 'error',
      'typescript/await-thenable': 'error',
      'typescript/no-floating-promises': 'error',
      'typescript/no-misused-promises': ['error', { checksVoidReturn: false }],
    },
  },
  {
    files: ['gallery/**/*.css'],
    language: 'css/css',
    plugins: { css },
    rules: {
      ...css.configs.recommended.rules,
      // A wish for less motion wins over everything.
      'css/no-important': 'off',
      // The variables are those of style.css; a file is looked at alone.
      'css/no-invalid-properties': ['error', { allowUnknownVariables: true }],
      'css/use-baseline': ['error', { available: 'newly', allowProperties: BETTER_WITH }],
      'no-restricted-syntax': [
        'error',
        { selector: `Url[value=${ABSOLUTE}]`, message: NO_OTHER_HOST },
        { selector: 'Atrule[name=/^import$/i]', message: 'The shell links each file of styles.' },
      ],
    },
  },
]
