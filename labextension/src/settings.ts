/** The settings of the extension as they are now. Without a registry the defaults hold. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { IAppOptions } from './views/app';

/** What `schema/plugin.json` describes. */
export class Settings {
  /** Redraws a second at most. */
  maxFps = 20;
  /** What opens where no view is named. */
  defaultView: IAppOptions['view'] = 'dashboard';
  showStatusBarItem = true;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Reads the settings now, and whenever they change. */
  async read(registry: ISettingRegistry, plugin: string): Promise<void> {
    const settings = await registry.load(plugin);
    const apply = (): void => {
      this.maxFps = settings.get('maxFps').composite as number;
      this.defaultView = settings.get('defaultView').composite as IAppOptions['view'];
      this.showStatusBarItem = settings.get('showStatusBarItem').composite as boolean;
      this._changed.emit();
    };
    settings.changed.connect(apply);
    apply();
  }

  private readonly _changed = new Signal<this, void>(this);
}
