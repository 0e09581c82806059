// Lint rules of the front end; formatting is prettier's alone.

import js from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'labextension/lib/**',
      'labextension/style/index.js',
      'tests/frontend/.out/**',
      'kernel_ext/**',
      'node_modules/**',
      '.venv/**'
    ]
  },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './tests/frontend/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      'no-console': ['error', { allow: ['error'] }],
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', 70],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-function-return-type': ['error', { allowExpressions: true }],
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'interface', format: ['PascalCase'], custom: { regex: '^I[A-Z]', match: true } }
      ],
      '@typescript-eslint/no-namespace': 'off',
      // Lumino's signals take the object beside the method
      '@typescript-eslint/unbound-method': 'off',
      eqeqeq: 'error'
    }
  },
  {
    // a suite is one long function by nature; node's test runner returns promises nobody needs to await
    files: ['tests/frontend/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-floating-promises': 'off' }
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    // run by node, and by hand
    files: ['labextension/*.mjs'],
    languageOptions: { globals: { process: 'readonly' } },
    rules: { '@typescript-eslint/explicit-function-return-type': 'off' }
  }
);
